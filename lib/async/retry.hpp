#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>

#include "async/time.hpp"

namespace sluice::async {

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

/// What a failure means: how long to wait before the next attempt, or nothing to give up. `attempt`
/// counts from 0; `elapsed` is since the first one began.
using RetryDecision = std::function<std::optional<std::chrono::milliseconds>(
    const std::exception_ptr& failure, std::size_t attempt, std::chrono::milliseconds elapsed)>;

/// Makes attempts until one succeeds, or fails with what the decision does not forgive: that is
/// thrown. A cancellation ends it wherever it is.
asio::awaitable<void> retry(std::function<asio::awaitable<void>()> attempt, RetryDecision decide,
                            Time& time = Time::real());

}  // namespace sluice::async
