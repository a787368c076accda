#include "base/backoff.hpp"

#include <algorithm>
#include <cstdint>
#include <random>

namespace sluice {

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

}  // namespace sluice
