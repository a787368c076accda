#pragma once

#include <chrono>
#include <cstddef>

namespace sluice {

/// How long to wait before the next attempt, as a pure function.
///
/// Full jitter on an exponential back-off (Brooker, "Exponential Backoff And Jitter", AWS
/// Architecture Blog, 2015), with half of the delay kept so that a retry is never immediate: for
/// delay_min = 100 ms and delay_max = 15 s the delays lie in 50-100 ms, 100-200 ms, 200-400 ms,
/// ... 7.5-15 s.
struct Backoff {
  std::chrono::milliseconds delay_min;
  std::chrono::milliseconds delay_max;

  /// `attempt` counts from 0; `random` is uniform in [0, 1).
  std::chrono::milliseconds delay(std::size_t attempt, double random) const;
};

/// Uniform in [0, 1).
double random_share();

}  // namespace sluice
