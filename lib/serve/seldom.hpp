#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

namespace sluice::serve {

/// What clients can bring about as often as they like, and is told once a second at most.
class Seldom {
 public:
  using Clock = std::chrono::steady_clock;

  /// It has come once more: how many there were since it was told last, if it is to be told now.
  std::optional<std::size_t> note(Clock::time_point now = Clock::now()) {
    if (told_ && now - *told_ < std::chrono::seconds(1)) {
      ++untold_;
      return std::nullopt;
    }
    told_ = now;
    return std::exchange(untold_, 0);
  }

 private:
  std::optional<Clock::time_point> told_;
  std::size_t untold_ = 0;
};

}  // namespace sluice::serve
