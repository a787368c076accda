#include "async/rate_limiter.hpp"

#include <algorithm>

namespace sluice::async {

asio::awaitable<void> RateLimiter::acquire(double units) {
  const Clock::time_point now = time_.now();
  const Clock::time_point begin = std::max(paid_until_, now - burst_);
  paid_until_ = begin + time_of(units);
  if (begin > now) co_await time_.sleep_until(begin);
}

}  // namespace sluice::async
