#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/buffer.hpp"
#include "base/position.hpp"
#include "csv/parser.hpp"
#include "source/encoding.hpp"

namespace sluice::chunk {

/// A record of unusually many lines: a quote in it may be a stray one.
struct LongRecord {
  std::uint64_t lines = 0;  ///< 0: there is none
  std::uint64_t at_line = 0;
};

/// A buffer of whole records, with where it started. The unit of encoding; what becomes of it is a
/// Batch.
struct Chunk {
  std::int64_t number = 0;  ///< from 0, in file order
  Position start;
  std::size_t size = 0;            ///< bytes, line ends included
  std::uint64_t records = 0;       ///< 0 where there are comments alone
  std::uint64_t lines = 0;         ///< physical lines
  std::uint64_t digest = 0;        ///< XXH3 (64 bits) of the bytes
  std::uint64_t packed_bytes = 0;  ///< what was read for it of what is packed, for progress
  const source::Encoding* encoding = nullptr;  ///< the source's: Source::encoding()
  std::uint64_t origin = 0;                    ///< where it starts in the source as that is
  bool unterminated_quote =
      false;  ///< the last record, which is the source's last, opens a quote that never closes
  bool lacks_line_end = false;  ///< the last record, which is the source's last
  LongRecord longest;           ///< its record with most lines
  csv::StructuralIndex index;
  std::vector<csv::OddLine> odd_lines;  ///< in file order; they are in no other record
  Buffer buffer;

  std::string_view bytes() const { return {buffer.bytes(), size}; }
  csv::ParseInput parse_input() const {
    return {buffer.bytes(), size, index, unterminated_quote, odd_lines};
  }
};

/// Behind the odd lines that begin at `place`, if any do.
std::size_t behind_odd_lines(const Chunk& chunk, std::size_t place);

/// Says where records of a chunk lie in the source. Asked in file order it reads the chunk once.
class PositionCounter {
 public:
  /// `chunk` must outlive it.
  PositionCounter(const Chunk& chunk, csv::LineEnd line_end)
      : chunk_(chunk), line_end_(line_end), origin_(chunk.origin) {}

  /// The record that begins at `offset` of the chunk, and is number `record` (from 0) in it. Its
  /// byte is that of the source as it is, whatever its encoding.
  /// REQUIRES: no smaller offset than before.
  Position at(std::size_t offset, std::uint64_t record);

 private:
  const Chunk& chunk_;
  csv::LineEnd line_end_;
  std::size_t offset_ = 0;
  std::uint64_t origin_;
  std::uint64_t lines_ = 0;
};

}  // namespace sluice::chunk
