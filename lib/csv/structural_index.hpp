#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "base/buffer.hpp"

namespace sluice::csv {

/// The offsets, in order, of every delimiter, CR and LF outside quotes, and of every quote that
/// opens a quoted section. A doubled quote inside quotes closes and opens, so it has an entry too.
///
/// Like a vector, but what is reserved is not filled with zeros first: it is written once.
class StructuralIndex {
 public:
  StructuralIndex() = default;
  StructuralIndex(std::initializer_list<std::uint32_t> places) {
    for (const std::uint32_t place : places) push_back(place);
  }

  std::size_t size() const { return size_; }
  const std::uint32_t* data() const {
    return reinterpret_cast<const std::uint32_t*>(buffer_.bytes());
  }
  const std::uint32_t* begin() const { return data(); }
  const std::uint32_t* end() const { return data() + size_; }
  std::uint32_t operator[](std::size_t i) const { return data()[i]; }

  void clear() { size_ = 0; }
  /// Forgets all entries behind the first `size`. REQUIRES: size <= size().
  void truncate(std::size_t size) { size_ = size; }
  /// Gives memory back that an unusual chunk needed. Forgets all entries.
  void shrink(std::size_t entries) {
    clear();
    buffer_.shrink(entries * sizeof(std::uint32_t));
  }

  void push_back(std::uint32_t place) {
    *tail(1) = place;
    ++size_;
  }

  /// A place behind the last entry where `count` more can be written; extend() then makes them
  /// entries.
  std::uint32_t* tail(std::size_t count) {
    const std::size_t wanted = (size_ + count) * sizeof(std::uint32_t);
    if (buffer_.capacity() < wanted) buffer_.reserve(std::max(wanted, 2 * buffer_.capacity()));
    return reinterpret_cast<std::uint32_t*>(buffer_.bytes()) + size_;
  }
  void extend(std::size_t count) { size_ += count; }

  bool operator==(const StructuralIndex& other) const { return std::ranges::equal(*this, other); }

 private:
  Buffer buffer_;
  std::size_t size_ = 0;
};

}  // namespace sluice::csv
