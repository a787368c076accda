#include "csv/dialect.hpp"

#include <charconv>
#include <cstdio>

namespace sluice::csv {

std::optional<std::string> defect_of(const Dialect& d) {
  const auto unusable = [](char c) {
    return c == '\n' || c == '\r' || c == '\0' || static_cast<unsigned char>(c) > 0x7f;
  };
  if (unusable(d.delimiter))
    return "--delimiter must be one ASCII character that does not end a line";
  if (unusable(d.quote)) return "--quote must be one ASCII character that does not end a line";
  if (unusable(d.escape)) return "--escape must be one ASCII character that does not end a line";
  if (d.delimiter == d.quote) return "--delimiter and --quote must differ";
  if (d.delimiter == d.escape) return "--delimiter and --escape must differ";
  for (const char c : d.null_text) {
    if (c == '\n' || c == '\r') return "--null must not contain a line end";
    if (c == d.delimiter) return "--null must not contain the delimiter";
    if (c == d.quote) return "--null must not contain the quote";
  }
  return std::nullopt;
}

std::optional<char> parse_character(std::string_view text) {
  if (text.size() == 1) return text.front();
  if (text == "\\t" || text == "tab") return '\t';
  if (text == "space") return ' ';
  if (text == "comma") return ',';
  if (text == "semicolon") return ';';
  if (text == "pipe") return '|';
  if (text.size() == 4 && text.starts_with("\\x")) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 4, value, 16);
    if (error == std::errc() && end == text.data() + 4) return static_cast<char>(value);
  }
  return std::nullopt;
}

std::string show_character(char c) {
  if (c == '\t') return "\\t";
  if (c >= ' ' && c < 0x7f) return std::string(1, c);
  char text[8];
  std::snprintf(text, sizeof text, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
  return text;
}

std::optional<LineEnd> detect_line_end(std::string_view text, const Dialect& dialect, bool at_end) {
  bool quoted = false;
  bool escaped = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!dialect.escapes_by_doubling() && quoted && c == dialect.escape) {
      escaped = !escaped;
      continue;
    }
    if (c == dialect.quote && !escaped) quoted = !quoted;
    escaped = false;
    if (quoted) continue;
    if (c == '\n') return LineEnd::lf;
    if (c == '\r') {
      if (i + 1 < text.size()) return text[i + 1] == '\n' ? LineEnd::crlf : LineEnd::cr;
      if (at_end) return LineEnd::cr;
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::string_view name_of(LineEnd line_end) {
  switch (line_end) {
    case LineEnd::lf: return "LF";
    case LineEnd::crlf: return "CRLF";
    case LineEnd::cr: return "CR";
  }
  return "";
}

}  // namespace sluice::csv
