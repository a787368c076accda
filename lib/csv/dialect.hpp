#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::csv {

/// How records end. PostgreSQL takes it from the first line and refuses the others outside quotes
/// from there on (copyfromparse.c, CopyReadLineText); so do we.
enum class LineEnd { lf, crlf, cr };

/// The characters of a CSV file, with PostgreSQL's defaults and meaning
/// (https://www.postgresql.org/docs/current/sql-copy.html, "CSV Format").
struct Dialect {
  char delimiter = ',';
  char quote = '"';
  char escape = '"';
  std::string null_text;  ///< unquoted, this text is NULL

  bool operator==(const Dialect&) const = default;

  /// A quote inside quotes is doubled: quotes then only toggle, and parity decides what is inside.
  bool escapes_by_doubling() const { return escape == quote; }
};

/// What is wrong with the dialect, as a sentence that names the flag; nothing if it can be used.
std::optional<std::string> defect_of(const Dialect& dialect);

/// One character from a flag: itself, or \t, tab, \xHH, space, comma, semicolon, pipe. Nothing if
/// it is none of these.
std::optional<char> parse_character(std::string_view text);

/// How a flag would say the character: \t for a tab.
std::string show_character(char c);

/// The line end of the first line outside quotes, or nothing if `text` ends before one.
/// A CR at the very end of `text` counts only when `at_end` says that nothing follows.
std::optional<LineEnd> detect_line_end(std::string_view text, const Dialect& dialect, bool at_end);

std::string_view name_of(LineEnd line_end);

}  // namespace sluice::csv
