#pragma once

#include <chrono>
#include <stop_token>

#include "base/limits.hpp"

namespace sluice::migrate {

/// How a signal reaches code that blocks: first no new file is begun, then what runs is cancelled.
struct Stop {
  std::stop_token soon;
  std::stop_token now;
  /// How long the server may take to cancel a statement, before its connection is cut.
  std::chrono::milliseconds cancel_patience = limits::migration_cancel_patience;

  bool asked() const { return soon.stop_requested() || now.stop_requested(); }
  /// Sleeps; ends early, with Failure{interrupted}, when it is asked to stop.
  void sleep(std::chrono::milliseconds duration) const;
};

}  // namespace sluice::migrate
