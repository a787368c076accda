#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace sluice::test {

/// What a test waits for comes, on however slow a machine; only a test that fails waits so long.
inline constexpr std::chrono::minutes patience{4};

/// Waits until that is so; false where it does not become so.
inline bool is_seen(const std::function<bool()>& is_so) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace sluice::test
