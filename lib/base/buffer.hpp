#pragma once

#include <cstddef>
#include <memory>

namespace sluice {

/// Uninitialised bytes that grow and are kept for reuse.
class Buffer {
 public:
  char* bytes() { return bytes_.get(); }
  const char* bytes() const { return bytes_.get(); }
  std::size_t capacity() const { return capacity_; }

  /// Room for `capacity` bytes; the first `keep` bytes stay.
  void reserve(std::size_t capacity, std::size_t keep);
  /// Gives memory back that an unusually large record needed.
  void shrink(std::size_t capacity);

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
};

}  // namespace sluice
