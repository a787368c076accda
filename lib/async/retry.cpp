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

asio::awaitable<void> retry(std::function<asio::awaitable<void>()> attempt, RetryDecision decide,
                            Time& time) {
  const Clock::time_point began = time.now();
  for (std::size_t tries = 0;; ++tries) {
    std::optional<std::chrono::milliseconds> delay;
    try {
      co_await attempt();
      co_return;
    } catch (const boost::system::system_error& error) {
      if (error.code() == asio::error::operation_aborted) throw;
      delay = decide(std::current_exception(), tries,
                     std::chrono::duration_cast<std::chrono::milliseconds>(time.now() - began));
      if (!delay) throw;
    } catch (...) {
      delay = decide(std::current_exception(), tries,
                     std::chrono::duration_cast<std::chrono::milliseconds>(time.now() - began));
      if (!delay) throw;
    }
    co_await time.sleep_for(*delay);
  }
}

}  // namespace sluice::async
