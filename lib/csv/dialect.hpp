#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.hpp"
#include "csv/delimiter.hpp"

namespace sluice::csv {

/// How records end. PostgreSQL takes it from the first line and refuses the others outside quotes
/// from there on (copyfromparse.c, CopyReadLineText); so do we, unless each is to end one.
enum class LineEnd { lf, crlf, cr, any };

/// What --newline takes; automatic is PostgreSQL's rule.
enum class Newline { automatic, lf, crlf, cr, any };
constexpr auto names_of(Newline) {
  return std::array{Named{Newline::automatic, "auto"}, Named{Newline::lf, "lf"},
                    Named{Newline::crlf, "crlf"}, Named{Newline::cr, "cr"},
                    Named{Newline::any, "any"}};
}

/// The two formats of COPY; automatic looks at the source's beginning.
enum class Format { csv, text, automatic };
constexpr auto names_of(Format) {
  return std::array{Named{Format::csv, "csv"}, Named{Format::text, "text"},
                    Named{Format::automatic, "auto"}};
}

/// Where an escape counts, and before what.
enum class Escapes {
  in_quotes,   ///< COPY's CSV: before a quote or an escape
  everywhere,  ///< MySQL's and Hive's: before any byte, in quotes or not, line ends too
  text,        ///< COPY's text format: the same, with numbers of bytes, and \. ends the data
};

/// The characters of a CSV file, with PostgreSQL's defaults and meaning
/// (https://www.postgresql.org/docs/current/sql-copy.html, "CSV Format").
struct Dialect {
  static constexpr char none = '\0';  ///< for quote and escape

  Delimiter delimiter = ',';
  char quote = '"';
  char escape = '"';
  std::string null_text;  ///< unquoted, and as it stands in the file, this text is NULL
  Escapes escapes = Escapes::in_quotes;
  std::string comment;  ///< lines that begin with it are no records; empty: there are none
  std::vector<std::string> more_null_texts = {};  ///< that are NULL too
  bool nulls_between_blanks = false;              ///< with blanks around them they are NULL too

  bool operator==(const Dialect&) const = default;

  bool has_quotes() const { return quote != none; }
  /// A quote inside quotes is doubled: quotes then only toggle, and parity decides what is inside.
  bool escapes_by_doubling() const { return escapes == Escapes::in_quotes && escape == quote; }
  bool escapes_everywhere() const { return escapes != Escapes::in_quotes; }
  /// A line of nothing but \. is the end of the data.
  bool has_end_marker() const { return escapes == Escapes::text; }
};

/// What a user says of a dialect; what is not said is as the format has it.
struct DialectWishes {
  std::optional<Delimiter> delimiter;
  std::optional<char> quote;  ///< Dialect::none: no quoting at all
  std::optional<char> escape;
  bool escapes_everywhere = false;  ///< the escape is MySQL's
  std::optional<std::string> null_text;
  std::vector<std::string> more_null_texts = {};
  std::string comment;

  bool operator==(const DialectWishes&) const = default;
};

/// REQUIRES: the format is not automatic.
Dialect dialect_of(const DialectWishes& wishes, Format format);

/// What is wrong with the dialect, as a sentence that names the flag; nothing if it can be used.
std::optional<std::string> defect_of(const Dialect& dialect);

/// What a flag means: itself, or a name (tab, comma, semicolon, pipe, space), with \t, \xHH, \uHHHH
/// and \\ in it. Nothing where an escape is none of these, or the byte of an \xHH is no ASCII.
std::optional<std::string> parse_characters(std::string_view text);

/// One character from a flag, in the same way. Nothing if it is none of these, or several.
std::optional<char> parse_character(std::string_view text);

/// Without the blanks and tabs at both ends.
std::string_view without_blanks(std::string_view text);

/// How a flag would say it: \t for a tab.
std::string show_character(char c);
std::string show_characters(std::string_view text);

/// The line end of the first line outside quotes, or nothing if `text` ends before one.
/// A CR at the very end of `text` counts only when `at_end` says that nothing follows.
std::optional<LineEnd> detect_line_end(std::string_view text, const Dialect& dialect, bool at_end);

std::string_view name_of(LineEnd line_end);

/// What is written where a record's line end is missing.
std::string_view text_of(LineEnd line_end);

/// How many lines end in `text`. Where any line end counts, a CRLF is one: `text` must not end
/// between its two.
std::uint64_t count_line_ends(std::string_view text, LineEnd line_end);

}  // namespace sluice::csv
