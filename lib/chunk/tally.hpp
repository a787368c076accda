#pragma once

#include <cstddef>
#include <cstdint>

#include "chunk/chunk.hpp"
#include "chunk/lexer.hpp"

namespace sluice::chunk {

/// What a chunk amounts to: its records, lines and digest.
class Tally {
 public:
  /// `lexer` has found the chunk's structure. Both must outlive this.
  Tally(const Lexer& lexer, const csv::Dialect& dialect, csv::LineEnd line_end,
        std::uint64_t records_max)
      : lexer_(lexer), dialect_(dialect), line_end_(line_end), records_max_(records_max) {}

  /// Records that end at this entry of the index or a later one.
  std::uint64_t record_ends(const Chunk& chunk, std::size_t from_entry) const;

  /// Counts records and lines, cuts what is beyond --limit, and hashes the rest. The scan has
  /// counted records too; `records_behind` of them lie behind the chunk's end.
  void count(Chunk& chunk, std::uint64_t records_behind) const;

 private:
  void limit_records(Chunk& chunk) const;
  void find_longest(Chunk& chunk) const;

  const Lexer& lexer_;
  const csv::Dialect& dialect_;
  csv::LineEnd line_end_;
  std::uint64_t records_max_;
};

}  // namespace sluice::chunk
