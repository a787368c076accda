#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "http/request.hpp"
#include "s3/address.hpp"

namespace sluice::s3 {

/// All that keys are found by, so that tests can have another one.
struct Machine {
  Variable variable;
  /// The bytes of a file; nullopt where there is none. Throws Failure for one that cannot be read.
  std::function<std::optional<std::string>(const std::string& path)> file;
  /// What a program writes to its stdout. Throws Failure, which says nothing of what it wrote.
  std::function<std::string(const std::vector<std::string>& arguments)> run;
  std::function<std::chrono::sys_seconds()> now;
  /// To services of the provider (STS).
  http::Send send;
  /// To what is on this machine or beside it (metadata, an agent): it must ask no proxy, follow no
  /// redirect and wait a second at most for a connection.
  http::Send send_near;
};

/// The bytes of a file of this machine's; nullopt where there is none. Waits for nobody: what is no
/// regular file is a Failure, and so is one that cannot be read.
std::optional<std::string> settings_in(const std::string& path);

/// This one. `stop` ends programs that run.
Machine this_machine(http::Send send, http::Send send_near, std::stop_token stop);

/// A command as a shell splits it into words: blanks, '...', "...", backslashes. Nothing in it is
/// replaced. Throws Failure{usage} for a quote that does not end; `what` is in front.
std::vector<std::string> words_of(const std::string& command, const std::string& what);

}  // namespace sluice::s3
