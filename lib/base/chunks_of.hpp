#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <span>

namespace sluice {

/// Walks over items in pieces of a fixed size, the last of which may be shorter:
///
///   for (std::span<const Row> batch : chunks_of(rows, 1000)) ...
template <class T>
class ChunksOf {
 public:
  ChunksOf(std::span<T> items, std::size_t size) : items_(items), size_(size) { assert(size > 0); }

  class Iterator {
   public:
    Iterator(std::span<T> rest, std::size_t size) : rest_(rest), size_(size) {}
    std::span<T> operator*() const { return rest_.first(std::min(size_, rest_.size())); }
    Iterator& operator++() {
      rest_ = rest_.subspan(std::min(size_, rest_.size()));
      return *this;
    }
    bool operator!=(const Iterator& other) const { return rest_.size() != other.rest_.size(); }

   private:
    std::span<T> rest_;
    std::size_t size_;
  };

  Iterator begin() const { return {items_, size_}; }
  Iterator end() const { return {items_.last(0), size_}; }

 private:
  std::span<T> items_;
  std::size_t size_;
};

template <class Container>
auto chunks_of(Container&& items, std::size_t size) {
  return ChunksOf(std::span(items), size);
}

}  // namespace sluice
