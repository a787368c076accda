#include "async/retry.hpp"

#include <algorithm>
#include <random>

namespace sluice::async {

std::chrono::milliseconds Backoff::delay(std::size_t attempt, double random) const {
  // 2^20 steps are more than any bound; a larger shift would overflow.
  const auto factor = std::int64_t{1} << std::min<std::size_t>(attempt, 20);
  const auto full = std::min(delay_max, delay_min * factor);
  return full / 2 + std::chrono::milliseconds(static_cast<std::int64_t>(
                        random * static_cast<double>((full / 2).count())));
}

double random_share() {
  thread_local std::minstd_rand random(std::random_device{}());
  return std::uniform_real_distribution<double>(0, 1)(random);
}

namespace {

bool is_cancellation(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

asio::awaitable<void> retry(std::function<asio::awaitable<void>()> attempt, RetryDecision decide,
                            Time& time) {
  const Clock::time_point began = time.now();
  for (std::size_t tries = 0;; ++tries) {
    std::exception_ptr failure;
    try {
      co_await attempt();
    } catch (...) {
      failure = std::current_exception();
    }
    if (!failure) co_return;
    if (is_cancellation(failure)) std::rethrow_exception(failure);
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(time.now() - began);
    const std::optional<std::chrono::milliseconds> delay = decide(failure, tries, elapsed);
    if (!delay) std::rethrow_exception(failure);
    co_await time.sleep_for(*delay);
  }
}

}  // namespace sluice::async
