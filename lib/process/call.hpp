#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::process {

/// What a command is run with.
struct Call {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  ///< NAME=value, added to this process's
  std::string folder;                    ///< where it runs; empty: where this process does
  /// Its stdin is what is fed to it, and its stdout a result of its own. Otherwise it reads
  /// nothing, and both are what it says.
  bool is_fed = false;
  /// Calls of one likeness have the same use for what a worker keeps from one to the next.
  std::string likeness = {};

  /// What is fed to it has this name in what it says.
  void name_stdin(const std::string& name);
  /// So many bytes are fed to it.
  void tell_length_of_stdin(std::uint64_t bytes);
};

}  // namespace sluice::process
