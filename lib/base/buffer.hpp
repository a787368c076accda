#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace sluice {

/// Uninitialised bytes that grow and are kept for reuse. A large buffer grows without being copied
/// (realloc moves its pages), and what is reserved but never written costs no memory.
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
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<char[], Free> bytes_;
  std::size_t capacity_ = 0;
};

}  // namespace sluice
