#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/position.hpp"
#include "csv/dialect.hpp"
#include "csv/scanner.hpp"
#include "source/source.hpp"

namespace sluice::chunk {

/// What a segment, a stretch of a source at a fixed place, comes to. Whether it begins inside
/// quotes is known once all in front of it is scanned; so it says what it is for each way in which
/// it may begin. A record belongs to the segment that has the line end in front of it.
struct SegmentFacts {
  /// If it begins so. Places count from its begin.
  struct From {
    std::size_t exit = 0;                     ///< the way in which the next segment begins then
    std::uint64_t record_ends = 0;            ///< in it
    std::optional<std::uint64_t> first = {};  ///< behind the first of these: its own first record
    std::uint64_t lines_to_first = 0;         ///< line ends in front of that

    bool operator==(const From&) const = default;
  };
  std::uint64_t lines = 0;  ///< line ends, also in quotes
  std::vector<From> from;   ///< by way: outside quotes, inside, inside behind an escape

  bool operator==(const SegmentFacts&) const = default;
};

/// The facts as numbers, for who keeps them; and the other way round, nothing where these are no
/// facts of a segment that may begin in so many ways.
std::vector<std::int64_t> numbers_of(const SegmentFacts& facts);
std::optional<SegmentFacts> facts_of(const std::vector<std::int64_t>& numbers, std::size_t ways);

/// In how many ways a segment may begin; 0: no segments can be made of a source with this dialect,
/// as more than quotes decides there where a record ends.
std::size_t ways_to_begin(const csv::Dialect& dialect, csv::LineEnd line_end);

/// Finds a segment's facts, stretch by stretch.
class SegmentScan {
 public:
  /// REQUIRES: ways_to_begin().
  SegmentScan(const csv::Dialect& dialect, csv::LineEnd line_end, csv::Scanner::Form form);

  /// The next stretch. REQUIRES: Scanner::padding bytes behind it may be read.
  void scan(std::string_view stretch);

  const SegmentFacts& facts() const { return facts_; }

 private:
  csv::LineEnd line_end_;
  csv::Scanner scanner_;
  bool sums_are_lines_;
  std::vector<csv::ScanState> states_;
  csv::StructuralIndex index_;
  std::uint64_t scanned_ = 0;
  SegmentFacts facts_;
};

/// Where a segment begins, as all in front of it has it.
struct SegmentStart {
  std::size_t way = 0;
  std::uint64_t lines = 0;        ///< in front of it, from the first record on
  std::uint64_t record_ends = 0;  ///< the same

  /// Of the segment behind one that has these facts. REQUIRES: they are of this dialect.
  SegmentStart behind(const SegmentFacts& facts) const;
};

/// A source as segments of one length, from its first record on.
struct SegmentLayout {
  Position first;            ///< record of the source
  std::uint64_t length = 0;  ///< of the source
  std::uint64_t bytes = 0;   ///< of a segment, but for the last one

  std::int64_t count() const;
  std::uint64_t begin_of(std::int64_t number) const {
    return first.byte_offset + static_cast<std::uint64_t>(number) * bytes;
  }
  std::uint64_t length_of(std::int64_t number) const;
};

/// What is read of one segment: all of its records.
struct SegmentText {
  std::string bytes;      ///< from the segment's begin to behind its last record
  std::size_t begin = 0;  ///< of its first record in that; bytes.size() where it has none
  Position start;         ///< the same in the source
};

/// Reads segments of a source, each once and whole into memory. Blocking.
class SegmentReader {
 public:
  /// `source` must outlive it. REQUIRES: source.seek(); ways_to_begin().
  SegmentReader(source::Source& source, const SegmentLayout& layout, const csv::Dialect& dialect,
                csv::LineEnd line_end, csv::Scanner::Form form, std::size_t record_bytes_max);

  /// Reads the segment. Throws Failure where it cannot be read, or is not as long as it was.
  SegmentFacts read(std::int64_t number);

  /// Of the segment that was read last, and where it begins: its records. What a record of it has
  /// in later segments is read too, up to record_bytes_max. Others may have read of the source
  /// between the two.
  SegmentText take(const SegmentStart& start);

 private:
  void seek(std::uint64_t offset);
  bool read_on(std::size_t bytes);

  source::Source& source_;
  SegmentLayout layout_;
  csv::Dialect dialect_;
  csv::LineEnd line_end_;
  csv::Scanner::Form form_;
  std::size_t record_bytes_max_;
  std::int64_t number_ = 0;
  SegmentFacts facts_;
  std::string bytes_;  ///< with room behind it that a scan may read
  std::size_t size_ = 0;
};

}  // namespace sluice::chunk
