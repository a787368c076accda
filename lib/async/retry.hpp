#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>

#include "async/time.hpp"
#include "base/backoff.hpp"

namespace sluice::async {

using sluice::Backoff;
using sluice::random_share;

/// What a failure means: how long to wait before the next attempt, or nothing to give up. `attempt`
/// counts from 0; `elapsed` is since the first one began.
using RetryDecision = std::function<std::optional<std::chrono::milliseconds>(
    const std::exception_ptr& failure, std::size_t attempt, std::chrono::milliseconds elapsed)>;

/// Makes attempts until one succeeds, or fails with what the decision does not forgive: that is
/// thrown. A cancellation ends it wherever it is.
asio::awaitable<void> retry(std::function<asio::awaitable<void>()> attempt, RetryDecision decide,
                            Time& time = Time::real());

}  // namespace sluice::async
