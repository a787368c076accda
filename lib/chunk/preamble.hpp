#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/position.hpp"
#include "csv/dialect.hpp"
#include "source/source.hpp"

namespace sluice::chunk {

struct PreambleOptions {
  csv::Dialect dialect;
  bool has_header = true;
  std::uint64_t skip_lines = 0;
  std::size_t bytes_max = 0;  ///< the largest first record
  csv::Newline newline = csv::Newline::automatic;
  /// A first line that says what the delimiter is (sep=;) is skipped; where it is asked, it counts.
  bool asks_for_delimiter = false;
  /// The dialect where the source looks like COPY's text format; nothing: it is not looked at.
  std::optional<csv::Dialect> text_dialect;
  bool text_has_header = false;
};

/// What stands before the first record, and what it tells about the rest.
struct Preamble {
  std::optional<std::vector<std::string>> header;  ///< nothing without one, or in an empty source
  std::string header_bytes;  ///< the header record as it is, without its line end
  std::string front_bytes;   ///< what stands in front of that
  csv::Dialect dialect;      ///< with what the source has said of it
  bool is_text = false;      ///< it looks like COPY's text format
  csv::LineEnd line_end = csv::LineEnd::lf;
  csv::LineEnd first_line_end = csv::LineEnd::lf;  ///< which decides where nothing else is said
  Position start;                                  ///< of the first record
  std::uint64_t origin = 0;  ///< the same in the source as it is, where that has another encoding
  std::string beginning;     ///< the source's first bytes, for the fingerprint
  std::string read_ahead;    ///< what was read behind the preamble: the first bytes of data
  std::size_t read_ahead_begin = 0;  ///< where in it these begin
  bool is_whole = false;             ///< that is all there is
  std::vector<std::string> notes;    ///< what was understood that nobody had said
};

/// Where the text that read_ahead begins stands in the source as it is, where that has another
/// encoding; it was read last.
std::uint64_t origin_of(source::Source& source, std::string_view read_ahead);

/// Reads a source's skipped lines, header and line end. Blocking.
/// Throws Failure for UTF-16, compressed data, an unreadable header.
Preamble read_preamble(source::Source& source, const PreambleOptions& options);

}  // namespace sluice::chunk
