#pragma once

#include "base/failure.hpp"

namespace sluice {

/// The exit codes of the program, for those who run it too; the README has the same table.
enum ExitCode : int {
  exit_ok = 0,
  exit_failed = 1,
  exit_usage = 2,
  exit_rejected = 3,  ///< records were, within the budget
  exit_connect = 4,
  exit_budget = 5,
  exit_held = 6,
  exit_changed = 7,
  exit_pending = 10,  ///< migrate status: there is something to apply
  exit_signal = 128,  ///< plus the signal's number
};

/// `signal` is the one that interrupted, or 0.
inline int exit_code_of(FailureKind kind, int signal) {
  switch (kind) {
    case FailureKind::failed:
    case FailureKind::bad_record: return exit_failed;
    case FailureKind::usage: return exit_usage;
    case FailureKind::connect: return exit_connect;
    case FailureKind::budget: return exit_budget;
    case FailureKind::held: return exit_held;
    case FailureKind::changed: return exit_changed;
    case FailureKind::interrupted: return exit_signal + signal;
  }
  return exit_failed;
}

}  // namespace sluice
