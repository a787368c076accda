#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuple/tuple_range.hpp"

namespace sluice::tuple {

/// Tuples of the text lane as the texts that their fields stand for, row by row. Reusable, so that
/// it allocates nothing once it is warm.
class TextRows {
 public:
  /// Nothing: NULL.
  using Field = std::optional<std::string_view>;

  /// Begins anew with the next tuples of a range: until there are `rows_max` of them or they have
  /// `bytes_max` bytes. Returns how many; 0 at its end. The range must be one that only this takes
  /// from. REQUIRES: a range of the slow lane.
  std::size_t take(TupleRange& range, std::size_t rows_max, std::size_t bytes_max);

  /// Valid until the next take().
  const std::vector<Field>& fields() const { return fields_; }

 private:
  std::string bytes_;
  std::vector<std::string_view> line_;
  std::vector<std::optional<std::size_t>> ends_;  ///< in bytes_; nothing: NULL
  std::vector<Field> fields_;
};

}  // namespace sluice::tuple
