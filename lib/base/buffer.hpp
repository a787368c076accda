#pragma once

#include <cstddef>
#include <memory>

namespace sluice {

namespace detail {

struct FreeBytes {
  std::size_t mapped = 0;  ///< bytes of the mapping that they are; 0: malloc has given them
  void operator()(char* bytes) const;
};

}  // namespace detail

/// Uninitialised bytes that grow and are kept for reuse. A large buffer has pages of its own, and
/// grows without being copied; what is reserved but never written costs no memory.
class Buffer {
 public:
  char* bytes() { return bytes_.get(); }
  const char* bytes() const { return bytes_.get(); }
  std::size_t capacity() const { return capacity_; }

  /// Room for `capacity` bytes; what was written stays.
  void reserve(std::size_t capacity);
  /// Gives memory back that an unusually large record needed, and what is in it.
  void shrink(std::size_t capacity);

 private:
  std::unique_ptr<char[], detail::FreeBytes> bytes_;
  std::size_t capacity_ = 0;
};

}  // namespace sluice
