#include "load/key_order.hpp"

#include <algorithm>
#include <cassert>
#include <vector>

namespace sluice::load {

asio::awaitable<void> KeyOrder::enter(std::int64_t chunk, const tuple::KeySet& keys) {
  assert(under_way_.empty() || under_way_.rbegin()->first < chunk);
  std::vector<std::int64_t> before;
  for (const auto& [number, others] : under_way_)
    if (may_share_a_key(*others, keys)) before.push_back(number);
  under_way_.emplace(chunk, &keys);
  const auto is_under_way = [this](std::int64_t number) { return under_way_.contains(number); };
  while (std::ranges::any_of(before, is_under_way)) co_await left_.wait();
}

void KeyOrder::leave(std::int64_t chunk) {
  under_way_.erase(chunk);
  left_.notify();
}

bool KeyOrder::may_share_a_key(const tuple::KeySet& a, const tuple::KeySet& b) {
  if (!a.is_complete || !b.is_complete) return true;
  auto x = a.hashes.begin();
  auto y = b.hashes.begin();
  while (x != a.hashes.end() && y != b.hashes.end()) {
    if (*x == *y) return true;
    if (*x < *y) {
      ++x;
    } else {
      ++y;
    }
  }
  return false;
}

}  // namespace sluice::load
