#include "base/buffer.hpp"

#include <malloc.h>
#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace sluice {
namespace {

/// From here on malloc gives a buffer pages of its own.
constexpr std::size_t large_bytes_min = std::size_t{4} << 20U;

/// The kernel hands out a page at its first touch, and a load of a few chunks touches each of its
/// buffers once: in pages of 4 KiB that takes as long as parsing them, in a guest of a hypervisor
/// longer. Large pages are an advice that the kernel need not take. It is about all pages of the
/// buffer, with malloc's few bytes in front of it: of a mapping that was advised about in part
/// realloc could not move the pages.
void prefer_large_pages(char* bytes) {
#if defined(MADV_HUGEPAGE)
  static constexpr std::uintptr_t page_bytes = 4096;
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes);
  const std::uintptr_t in_page = begin % page_bytes;
  ::madvise(bytes - in_page, ::malloc_usable_size(bytes) + in_page, MADV_HUGEPAGE);
#endif
}

}  // namespace

void Buffer::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return;
  void* const larger = std::realloc(bytes_.get(), capacity);
  if (larger == nullptr) throw std::bad_alloc();
  static_cast<void>(bytes_.release());  // realloc has freed it, or kept it
  bytes_.reset(static_cast<char*>(larger));
  capacity_ = capacity;
  if (capacity_ >= large_bytes_min) prefer_large_pages(bytes_.get());
}

void Buffer::shrink(std::size_t capacity) {
  if (capacity_ <= capacity) return;
  bytes_.reset();
  capacity_ = 0;
}

}  // namespace sluice
