#include "base/buffer.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace sluice {
namespace {

/// The kernel hands out a page at its first touch, and a load of a few chunks touches each of its
/// buffers once: in pages of 4 KiB that takes as long as parsing them, in a guest of a hypervisor
/// longer. So a large buffer is a mapping that begins and ends where pages of this size do. That
/// the kernel takes such pages is an advice to it.
constexpr std::size_t large_page_bytes = std::size_t{2} << 20U;
/// From here on.
constexpr std::size_t large_bytes_min = 2 * large_page_bytes;

constexpr std::size_t in_whole_pages(std::size_t bytes) {
  return (bytes + large_page_bytes - 1) / large_page_bytes * large_page_bytes;
}

/// REQUIRES: `bytes` are whole large pages.
char* map(std::size_t bytes) {
  // Somewhere in a range that is a page longer there is one that begins where a page does.
  const std::size_t range = bytes + large_page_bytes;
  void* const mapped = ::mmap(nullptr, range, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  char* const begin = static_cast<char*>(mapped);
  const std::size_t over = reinterpret_cast<std::uintptr_t>(begin) % large_page_bytes;
  const std::size_t before = over == 0 ? 0 : large_page_bytes - over;
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + bytes, large_page_bytes - before);
#if defined(MADV_HUGEPAGE)
  ::madvise(begin + before, bytes, MADV_HUGEPAGE);
#endif
  return begin + before;
}

/// One that is mapped already, with its pages where they are or at another address.
char* map_more(char* bytes, std::size_t mapped, std::size_t wanted) {
  void* const here = ::mremap(bytes, mapped, wanted, 0);
  if (here != MAP_FAILED) return bytes;
  char* const there = map(wanted);
  void* const moved =
      ::mremap(bytes, mapped, mapped, MREMAP_MAYMOVE | MREMAP_FIXED, static_cast<void*>(there));
  if (moved != MAP_FAILED) return there;
  ::munmap(there, wanted);
  throw std::bad_alloc();
}

}  // namespace

void detail::FreeBytes::operator()(char* bytes) const {
  if (mapped == 0)
    std::free(bytes);
  else
    ::munmap(bytes, mapped);
}

void Buffer::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return;
  const std::size_t mapped = bytes_.get_deleter().mapped;
  const std::size_t wanted = capacity < large_bytes_min ? 0 : in_whole_pages(capacity);
  char* larger = nullptr;
  if (wanted == 0) {
    larger = static_cast<char*>(std::realloc(bytes_.get(), capacity));
    if (larger == nullptr) throw std::bad_alloc();
    static_cast<void>(bytes_.release());  // realloc has freed it, or kept it
  } else if (mapped > 0) {
    larger = map_more(bytes_.get(), mapped, wanted);
    static_cast<void>(bytes_.release());  // it is there
  } else {
    larger = map(wanted);
    if (capacity_ > 0) std::memcpy(larger, bytes_.get(), capacity_);
  }
  bytes_ = std::unique_ptr<char[], detail::FreeBytes>(larger, detail::FreeBytes{wanted});
  capacity_ = capacity;
}

void Buffer::shrink(std::size_t capacity) {
  if (capacity_ <= capacity) return;
  bytes_.reset();
  capacity_ = 0;
}

}  // namespace sluice
