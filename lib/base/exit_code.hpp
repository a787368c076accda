#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/failure.hpp"

namespace sluice {

/// The exit codes of the program, for those who run it too; docs/operations.md has that table.
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
    case FailureKind::denied:
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

/// Of several files, or processes, one exit code: of two the one that says more of what to do.
/// First what the same again may mend, so that bad data in one file keep nobody from trying another
/// one again: interrupted, no connection, held, failed. Then what a person has to mend: the
/// command, what to do with a source that changed, the data. What is left is found out by the same
/// again, which is safe.
inline int worse(int one, int other) {
  static constexpr std::array order{exit_connect, exit_held,   exit_failed,   exit_usage,
                                    exit_changed, exit_budget, exit_rejected, exit_ok};
  const auto rank = [](int exit_code) {
    if (exit_code >= exit_signal) return std::ptrdiff_t{-1};
    const auto at = std::ranges::find(order, exit_code);
    return (at == order.end() ? std::ranges::find(order, exit_failed) : at) - order.begin();
  };
  return rank(other) < rank(one) ? other : one;
}

}  // namespace sluice
