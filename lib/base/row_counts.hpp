#pragma once

#include <cstdint>

namespace sluice {

/// What became of records that were not refused. A record is counted once.
struct RowCounts {
  std::uint64_t rows_stored = 0;     ///< new in the table
  std::uint64_t rows_updated = 0;    ///< took the place of a row with their key
  std::uint64_t rows_unchanged = 0;  ///< equal to the row with their key
  /// Dropped by a trigger, blank, or left out because of a row or another record with their key.
  std::uint64_t rows_skipped = 0;
  std::uint64_t rows_filtered = 0;  ///< left out by the user's condition

  std::uint64_t rows() const { return rows_in_table() + rows_skipped + rows_filtered; }
  /// Records of which the table has a row.
  std::uint64_t rows_in_table() const { return rows_stored + rows_updated + rows_unchanged; }

  RowCounts& operator+=(const RowCounts& other) {
    rows_stored += other.rows_stored;
    rows_updated += other.rows_updated;
    rows_unchanged += other.rows_unchanged;
    rows_skipped += other.rows_skipped;
    rows_filtered += other.rows_filtered;
    return *this;
  }
};

}  // namespace sluice
