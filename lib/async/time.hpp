#pragma once

#include <set>

#include "async/event.hpp"

namespace sluice::async {

/// The clock that waits and delays go by, so that a test can have one of its own (ManualTime).
class Time {
 public:
  virtual ~Time() = default;
  virtual Clock::time_point now() const = 0;
  /// Throws operation_aborted if the coroutine is cancelled.
  virtual asio::awaitable<void> sleep_until(Clock::time_point when) = 0;

  asio::awaitable<void> sleep_for(Clock::duration duration) {
    return sleep_until(now() + duration);
  }

  /// The machine's steady clock.
  static Time& real();
};

/// A clock that stands still until it is told to go on: who sleeps wakes when it has passed their
/// time. One thread.
class ManualTime : public Time {
 public:
  explicit ManualTime(const asio::any_io_executor& executor) : moved_(executor) {}

  Clock::time_point now() const override { return now_; }
  asio::awaitable<void> sleep_until(Clock::time_point when) override;

  void advance(Clock::duration duration);
  /// The earliest time for which somebody sleeps; never if nobody does.
  Clock::time_point next_wake_up() const;

 private:
  Clock::time_point now_{};
  std::multiset<Clock::time_point> sleepers_;
  Event moved_;
};

}  // namespace sluice::async
