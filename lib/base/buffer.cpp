#include "base/buffer.hpp"

#include <new>

namespace sluice {

void Buffer::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return;
  void* const larger = std::realloc(bytes_.get(), capacity);
  if (larger == nullptr) throw std::bad_alloc();
  static_cast<void>(bytes_.release());  // realloc has freed it, or kept it
  bytes_.reset(static_cast<char*>(larger));
  capacity_ = capacity;
}

void Buffer::shrink(std::size_t capacity) {
  if (capacity_ <= capacity) return;
  bytes_.reset();
  capacity_ = 0;
}

}  // namespace sluice
