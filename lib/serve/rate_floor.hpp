#pragma once

#include <chrono>
#include <cstdint>

namespace sluice::serve {

/// How slowly a body may come: so many bytes a second, over windows in which they were waited for.
/// The time in which nobody asked for them, as the database was what was slow, does not count.
class RateFloor {
 public:
  /// 0 bytes: as slowly as they like.
  RateFloor(std::uint64_t bytes_per_second, std::chrono::nanoseconds window)
      : bytes_per_second_(bytes_per_second), window_(window) {}

  /// So many have come after so long a wait. False: in a window that ends with it they were too
  /// few.
  bool add(std::uint64_t bytes, std::chrono::nanoseconds waited);

 private:
  std::uint64_t bytes_per_second_;
  std::chrono::nanoseconds window_;
  std::uint64_t bytes_ = 0;
  std::chrono::nanoseconds waited_{};
};

}  // namespace sluice::serve
