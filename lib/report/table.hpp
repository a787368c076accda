#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sluice::report {

/// A column of a table that is shown to a person. One without a head and without anything in its
/// cells takes no room.
struct Column {
  std::string head;
  std::vector<std::string> cells;  ///< a line each, printable; as many in each column
  bool is_number = false;          ///< its cells stand at the right
  /// Where a line has no room for all of them, this one goes, those of smaller numbers first. One
  /// of 0 stays.
  int gives_way = 0;
};

/// Whole lines. Each column is as wide as what stands in it; in `width` characters, if given, as
/// many columns as have room, and a line that is too long for it ends in "…".
std::string table_of(std::vector<Column> columns, std::optional<std::size_t> width);

}  // namespace sluice::report
