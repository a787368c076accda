#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "chunk/chunk.hpp"
#include "csv/scanner.hpp"

namespace sluice::chunk {

/// A physical line: where its text and its line end are over.
struct LinePlace {
  std::size_t end = 0;
  std::size_t behind = 0;
};

/// The line that begins, or goes on, at `from`; nothing where its end is not in front of `to`.
/// `at_end`: the source is over there, and so is the line.
std::optional<LinePlace> line_at(std::string_view bytes, std::size_t from, csv::LineEnd line_end,
                                 bool at_end);

/// Finds the structure of a chunk's bytes, stretch by stretch, without the lines that are no
/// records: comments, and the end of the data (\. alone on a line of COPY's text format). Only
/// where a line begins outside quotes it can be one, so what is in it opens none.
class Lexer {
 public:
  Lexer(const csv::Dialect& dialect, csv::LineEnd line_end, csv::Scanner::Form form);

  /// Begins with a chunk, at byte `at`, where a record begins.
  void start(std::size_t at = 0);

  /// Goes on to byte `to`, or a few bytes less: as far as can be decided without what follows.
  /// `at_end`: nothing does.
  void scan(Chunk& chunk, std::size_t to, bool at_end);

  csv::ScanState& state() { return state_; }
  const csv::ScanState& state() const { return state_; }
  std::size_t scanned() const { return scanned_; }
  /// Where the line begins that ends the data.
  std::optional<std::size_t> end_of_data() const { return end_of_data_; }

  /// Whether a record may end at this entry of the index, or its first byte of two. A CR that may
  /// be half of a CRLF is one only where nothing follows it.
  bool ends_record(const Chunk& chunk, std::size_t place, bool at_end) const;

  /// Behind the first record that ends at this entry or a later one, or 0.
  std::size_t first_end(const Chunk& chunk, std::size_t from_entry, bool at_end) const;

 private:
  bool looks_at_lines() const { return !comment_.empty() || has_end_marker_; }
  std::size_t next_candidate(const char* bytes, std::size_t to);
  bool is_line_begin(const Chunk& chunk, std::size_t place) const;
  bool take_line(Chunk& chunk, std::size_t to, bool at_end);
  void scan_to(Chunk& chunk, std::size_t to);

  csv::LineEnd line_end_;
  char last_of_end_;
  std::string comment_;
  bool has_end_marker_;
  csv::Scanner scanner_;
  csv::ScanState state_;
  std::size_t scanned_ = 0;
  std::size_t begin_ = 0;       ///< where start() was told to
  std::size_t comment_at_ = 0;  ///< the next place that looks like one, if not in front of scanned_
  std::size_t marker_at_ = 0;   ///< the same
  std::optional<std::size_t> open_comment_;  ///< whose end is not seen yet
  std::optional<std::size_t> end_of_data_;
};

}  // namespace sluice::chunk
