#pragma once

#include "async/time.hpp"

namespace sluice::async {

/// A token bucket: lets through so many units (bytes, rows, requests) a second on the long run, and
/// up to `burst` of them at once after a pause. An amount larger than the bucket goes when the
/// bucket is full, and is paid for afterwards. Those who wait go in the order in which they came.
/// One thread.
class RateLimiter {
 public:
  /// REQUIRES: units_per_second > 0, burst >= 0.
  RateLimiter(double units_per_second, double burst, Time& time = Time::real())
      : units_per_second_(units_per_second), burst_(time_of(burst)), time_(time) {}

  /// Waits until `units` may go. Throws operation_aborted if the coroutine is cancelled: its units
  /// count all the same.
  asio::awaitable<void> acquire(double units);

 private:
  Clock::duration time_of(double units) const {
    return std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(units / units_per_second_));
  }

  double units_per_second_;
  Clock::duration burst_;  ///< how far behind its time the bucket may fall
  Time& time_;
  Clock::time_point paid_until_{};  ///< when all that went is paid for
};

}  // namespace sluice::async
