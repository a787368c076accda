#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "async/asio.hpp"
#include "async/event.hpp"

namespace sluice::jobs {

/// A process of this program, in a process group of its own: a Ctrl-C at the terminal is ours to
/// hand on. It is told to stop (SIGTERM) if this process dies. Used by one coroutine.
class Child {
 public:
  /// `environment` is added to this process's (NAME=value). It runs in `folder`; empty: where this
  /// process does. Throws Failure if it cannot be started.
  Child(asio::any_io_executor executor, const std::vector<std::string>& arguments,
        const std::vector<std::string>& environment, const std::string& folder);
  /// Kills it if it still runs.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Hands over each line that it writes, to stdout or stderr, and returns its exit code when it
  /// has ended: 128 and the signal's number where a signal ended it.
  asio::awaitable<int> run(std::function<void(const std::string&)> line);

  void signal(int number) const;

 private:
  asio::any_io_executor executor_;
  pid_t pid_ = -1;
  int output_ = -1;
};

}  // namespace sluice::jobs
