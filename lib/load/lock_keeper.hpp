#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <optional>

#include "ledger/run_lock.hpp"
#include "load/resources.hpp"

namespace sluice::load {

/// Keeps the lock of a load that others may take over (--join): shows them that this run lives. One
/// that was paused, or cut off, for too long has lost it, and stops: others may have gone on with
/// the load, and ended it.
class LockKeeper {
 public:
  /// `lock` outlives it; `stop` is called where the lock is lost.
  LockKeeper(Resources on, std::optional<ledger::RunLock>& lock, std::chrono::milliseconds lease,
             std::function<void()> stop)
      : on_(on), lock_(lock), lease_(lease), stop_(std::move(stop)) {}

  /// Until it is cancelled, or the lock is lost.
  asio::awaitable<void> run();

  /// What a run failed with, or LoadIsHeld: whatever stands in the way of one that has lost its
  /// lock may be another run's doing. Not where its user has stopped it.
  asio::awaitable<std::exception_ptr> explain(std::exception_ptr failed, bool is_stopped);

 private:
  Resources on_;
  std::optional<ledger::RunLock>& lock_;
  std::chrono::milliseconds lease_;
  std::function<void()> stop_;
  std::exception_ptr taken_over_;
};

}  // namespace sluice::load
