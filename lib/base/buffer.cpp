#include "base/buffer.hpp"

#include <cstring>

namespace sluice {

void Buffer::reserve(std::size_t capacity, std::size_t keep) {
  if (capacity <= capacity_) return;
  auto larger = std::make_unique_for_overwrite<char[]>(capacity);
  if (keep > 0) std::memcpy(larger.get(), bytes_.get(), keep);
  bytes_ = std::move(larger);
  capacity_ = capacity;
}

void Buffer::shrink(std::size_t capacity) {
  if (capacity_ <= capacity) return;
  bytes_.reset();
  capacity_ = 0;
}

}  // namespace sluice
