#pragma once

#include <cstddef>
#include <vector>

#include "base/limits.hpp"
#include "sniff/column.hpp"

namespace sluice::sniff {

/// What is cut off to be looked at, and how much of it on all threads before more is read.
inline constexpr std::size_t look_bytes = 2 * limits::MiB;
inline constexpr std::size_t looks_bytes_max = 32 * limits::MiB;
/// Of a table: PostgreSQL's MaxHeapAttributeNumber.
inline constexpr std::size_t table_columns_max = 1600;

/// With what a source is read to its end. What is found does not depend on it.
struct Effort {
  std::size_t threads = 1;  ///< that look at chunks, beside the one that reads
  std::size_t chunk_bytes = look_bytes;

  /// Fewer where each would need much memory.
  std::size_t threads_for(std::size_t columns) const;
};

/// As many as the machine has cores.
Effort effort_of_machine();

/// Columns that nothing was seen of, in detail where a table could have so many.
std::vector<Column> columns_for(std::size_t count);

}  // namespace sluice::sniff
