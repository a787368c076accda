#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/buffer.hpp"
#include "base/position.hpp"
#include "csv/parser.hpp"

namespace sluice::source {

/// A buffer of whole records, with where it started. The unit of encoding; what becomes of it is a
/// Batch.
struct Chunk {
  std::int64_t number = 0;  ///< from 0, in file order
  Position start;
  std::size_t size = 0;       ///< bytes, line ends included
  std::uint64_t records = 0;  ///< at least 1
  std::uint64_t lines = 0;    ///< physical lines
  std::uint64_t digest = 0;   ///< XXH3 (64 bits) of the bytes
  bool unterminated_quote =
      false;  ///< the last record, which is the source's last, opens a quote that never closes
  csv::StructuralIndex index;
  Buffer buffer;

  std::string_view bytes() const { return {buffer.bytes(), size}; }
  csv::ParseInput parse_input() const { return {buffer.bytes(), size, index, unterminated_quote}; }

  /// Where the record that begins at `offset` of this chunk lies in the source. `record` counts
  /// from 0 in this chunk.
  Position position_of(std::size_t offset, std::uint64_t record, csv::LineEnd line_end) const;
};

}  // namespace sluice::source
