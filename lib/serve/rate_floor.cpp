#include "serve/rate_floor.hpp"

namespace sluice::serve {

bool RateFloor::add(std::uint64_t bytes, std::chrono::nanoseconds waited) {
  bytes_ += bytes;
  waited_ += waited;
  if (waited_ < window_) return true;
  const double seconds = std::chrono::duration<double>(waited_).count();
  const bool is_enough =
      static_cast<double>(bytes_) >= static_cast<double>(bytes_per_second_) * seconds;
  bytes_ = 0;
  waited_ = {};
  return is_enough;
}

}  // namespace sluice::serve
