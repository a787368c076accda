#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tuple/tuple_range.hpp"

namespace sluice::tuple {

/// Tuples of the binary lane turned into columns, each the binary form of a one-dimensional array,
/// as `unnest` takes them. Reusable, so that it allocates nothing once it is warm.
///
/// The form is array_recv's (src/backend/utils/adt/arrayfuncs.c): dimensions, a flag for NULLs, the
/// element's type, length and lower bound, then the elements as a binary COPY has its fields.
class ArrayColumns {
 public:
  /// One element type (pg_type.oid) for each field of the tuples.
  explicit ArrayColumns(std::vector<std::uint32_t> element_types)
      : types_(std::move(element_types)), columns_(types_.size()) {}

  /// Begins anew with the next tuples of a range: until there are `rows_max` of them or the columns
  /// have `bytes_max` bytes. Returns how many; 0 at its end. The range must be one that only this
  /// takes from. REQUIRES: a range of the fast lane.
  std::size_t take(TupleRange& range, std::size_t rows_max, std::size_t bytes_max);

  std::size_t size() const { return columns_.size(); }
  std::string_view column(std::size_t index) const { return columns_[index].bytes; }

 private:
  struct Column {
    std::string bytes;
    bool has_null = false;
  };

  void begin();
  void take_one(std::string_view& tuples);
  void finish(std::size_t rows);

  std::vector<std::uint32_t> types_;
  std::vector<Column> columns_;
};

}  // namespace sluice::tuple
