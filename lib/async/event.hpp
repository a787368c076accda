#pragma once

#include <chrono>

#include "async/asio.hpp"

namespace sluice::async {

using Clock = std::chrono::steady_clock;

/// A point in time by which something must have happened. The default is never.
struct Deadline {
  Clock::time_point at = Clock::time_point::max();

  static Deadline after(Clock::duration duration) { return {Clock::now() + duration}; }
  bool passed() const { return at != Clock::time_point::max() && Clock::now() >= at; }
};

/// Wakes the coroutines that wait for something to change. It keeps no state: a waiter looks at
/// what it waits for, waits, and looks again. One thread only, so nothing can change between the
/// look and the wait.
class Event {
 public:
  explicit Event(const asio::any_io_executor& executor)
      : timer_(executor, Clock::time_point::max()) {}

  /// Until the next notify() or the deadline. Throws operation_aborted if the waiting coroutine is
  /// cancelled.
  asio::awaitable<void> wait(Deadline deadline = {});
  void notify() { timer_.cancel(); }

 private:
  asio::steady_timer timer_;
};

/// Throws operation_aborted if the coroutine is cancelled.
asio::awaitable<void> sleep_for(Clock::duration duration);

}  // namespace sluice::async
