#include "csv/dialect.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

namespace sluice::csv {

namespace {

bool ends_lines(char c) { return c == '\n' || c == '\r' || c == '\0'; }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

std::optional<std::string> defect_of_delimiter(const Dialect& d) {
  if (std::ranges::any_of(d.delimiter.text(), ends_lines))
    return "--delimiter must not have characters that end a line";
  // Behind an escape they mean something, or go on with what a number of a byte is.
  const auto is_word = [](char c) {
    return c == '.' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  };
  if (d.escapes_everywhere() && std::ranges::any_of(d.delimiter.text(), is_word))
    return "--delimiter must not have letters, digits or a dot where a backslash escapes all";
  if (d.has_quotes() && d.delimiter.contains(d.quote))
    return d.delimiter.size() == 1 ? "--delimiter and --quote must differ"
                                   : "--delimiter must not contain the quote";
  if (d.escape != Dialect::none && d.delimiter.contains(d.escape))
    return d.delimiter.size() == 1 ? "--delimiter and --escape must differ"
                                   : "--delimiter must not contain the escape";
  return std::nullopt;
}

std::optional<std::string> defect_of_comment(const Dialect& d) {
  if (d.comment.empty()) return std::nullopt;
  if (d.comment.size() > Delimiter::bytes_max || std::ranges::any_of(d.comment, ends_lines))
    return "--comment must be one to eight bytes that do not end a line";
  if ((d.has_quotes() && d.comment.front() == d.quote) ||
      (d.escapes_everywhere() && d.comment.front() == d.escape) ||
      d.delimiter.text().starts_with(d.comment) || d.comment.starts_with(d.delimiter.text()))
    return "--comment must begin with something else than the quote, the escape and the delimiter";
  return std::nullopt;
}

std::optional<std::string> defect_of_null(const Dialect& d, const std::string& text) {
  if (std::ranges::any_of(text, [](char c) { return c == '\n' || c == '\r'; }))
    return "--null must not contain a line end";
  if (text.find(d.delimiter.text()) != std::string::npos)
    return "--null must not contain the delimiter";
  if (d.has_quotes() && text.find(d.quote) != std::string::npos)
    return "--null must not contain the quote";
  return std::nullopt;
}

/// The code point of an escape's hexadecimal digits.
std::optional<std::uint32_t> read_hex(std::string_view digits) {
  std::uint32_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

void append_utf8(std::string& to, std::uint32_t code) {
  const auto tail = [code](unsigned shift) {
    return static_cast<char>(0x80U | (code >> shift & 0x3fU));
  };
  if (code < 0x80) {
    to += static_cast<char>(code);
  } else if (code < 0x800) {
    to += static_cast<char>(0xc0U | code >> 6U);
    to += tail(0);
  } else {
    to += static_cast<char>(0xe0U | code >> 12U);
    to += tail(6);
    to += tail(0);
  }
}

/// Takes an escape from the front of `text`, which begins with its backslash.
bool take_escape(std::string_view& text, std::string& to) {
  const char kind = text.size() < 2 ? '\0' : text[1];
  if (kind == 't' || kind == '\\') {
    to += kind == 't' ? '\t' : '\\';
    text.remove_prefix(2);
    return true;
  }
  const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : 0;
  if (digits == 0 || text.size() < 2 + digits) return false;
  const auto code = read_hex(text.substr(2, digits));
  const bool is_half = code && *code >= 0xd800 && *code < 0xe000;
  if (!code || is_half || (kind == 'x' && *code >= 0x80)) return false;
  append_utf8(to, *code);
  text.remove_prefix(2 + digits);
  return true;
}

/// How many bytes are `c`; the loop is one that GCC vectorises, at a level that it does so.
[[gnu::optimize("O3")]] std::uint64_t count_bytes(std::string_view bytes, char c) {
  std::uint64_t count = 0;
  for (const char byte : bytes) count += byte == c ? 1U : 0U;
  return count;
}

/// A CR that an LF follows.
[[gnu::optimize("O3")]] std::uint64_t count_pairs(std::string_view bytes) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i)
    count += (bytes[i] == '\r') & (bytes[i + 1] == '\n') ? 1U : 0U;
  return count;
}

}  // namespace

Dialect dialect_of(const DialectWishes& wishes, Format format) {
  Dialect d;
  d.comment = wishes.comment;
  if (format == Format::text) {
    d.delimiter = wishes.delimiter.value_or('\t');
    d.quote = Dialect::none;
    d.escape = '\\';
    d.escapes = Escapes::text;
  } else {
    d.delimiter = wishes.delimiter.value_or(',');
    d.quote = wishes.quote.value_or('"');
    d.escape = wishes.escape.value_or(d.quote);
    // Without quotes there is nothing else that it could stand before.
    const bool everywhere = !d.has_quotes() && d.escape != Dialect::none;
    if (everywhere || wishes.escapes_everywhere) d.escapes = Escapes::everywhere;
  }
  d.null_text = wishes.null_text.value_or(d.escapes_everywhere() ? std::string{d.escape, 'N'} : "");
  d.more_null_texts = wishes.more_null_texts;
  return d;
}

std::optional<std::string> defect_of(const Dialect& d) {
  const auto unusable = [](char c) { return c == '\n' || c == '\r' || !is_ascii(c); };
  if (unusable(d.quote)) return "--quote must be one ASCII character that does not end a line";
  if (unusable(d.escape)) return "--escape must be one ASCII character that does not end a line";
  if (auto defect = defect_of_delimiter(d)) return defect;
  if (d.escapes == Escapes::everywhere && d.escape == d.quote)
    return "--escape and --quote must differ where the escape counts everywhere";
  if (auto defect = defect_of_comment(d)) return defect;
  for (const std::string& text : d.more_null_texts)
    if (auto defect = defect_of_null(d, text)) return defect;
  return defect_of_null(d, d.null_text);
}

std::string_view without_blanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

std::optional<std::string> parse_characters(std::string_view text) {
  for (const auto& [name, c] :
       {std::pair{"tab", '\t'}, std::pair{"space", ' '}, std::pair{"comma", ','},
        std::pair{"semicolon", ';'}, std::pair{"pipe", '|'}})
    if (text == name) return std::string(1, c);
  if (text == "\\") return std::string(text);
  std::string characters;
  while (!text.empty()) {
    if (text.front() != '\\') {
      characters += text.front();
      text.remove_prefix(1);
    } else if (!take_escape(text, characters)) {
      return std::nullopt;
    }
  }
  return characters;
}

std::optional<char> parse_character(std::string_view text) {
  const auto characters = parse_characters(text);
  if (!characters || characters->size() != 1) return std::nullopt;
  return characters->front();
}

std::string show_character(char c) {
  if (c == '\t') return "\\t";
  if (c >= ' ' && c < 0x7f) return std::string(1, c);
  char text[8];
  std::snprintf(text, sizeof text, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
  return text;
}

std::string show_characters(std::string_view text) {
  std::string shown;
  for (const char c : text) shown += is_ascii(c) ? show_character(c) : std::string(1, c);
  return shown;
}

std::optional<LineEnd> detect_line_end(std::string_view text, const Dialect& dialect, bool at_end) {
  const bool in_comment = !dialect.comment.empty() && text.starts_with(dialect.comment);
  bool quoted = false;
  bool escaped = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!in_comment) {
      const bool may_escape =
          dialect.escapes_everywhere() || (quoted && dialect.escape != dialect.quote);
      if (may_escape && !escaped && c == dialect.escape) {
        escaped = true;
        continue;
      }
      if (dialect.has_quotes() && c == dialect.quote && !escaped) quoted = !quoted;
      const bool is_data = quoted || (escaped && dialect.escapes_everywhere());
      escaped = false;
      if (is_data) continue;
    }
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
    case LineEnd::any: return "LF, CRLF and CR";
  }
  return "";
}

std::string_view text_of(LineEnd line_end) {
  switch (line_end) {
    case LineEnd::crlf: return "\r\n";
    case LineEnd::cr: return "\r";
    case LineEnd::lf:
    case LineEnd::any: break;
  }
  return "\n";
}

std::uint64_t count_line_ends(std::string_view text, LineEnd line_end) {
  switch (line_end) {
    case LineEnd::lf:
    case LineEnd::crlf: break;
    case LineEnd::cr: return count_bytes(text, '\r');
    case LineEnd::any: return count_bytes(text, '\n') + count_bytes(text, '\r') - count_pairs(text);
  }
  return count_bytes(text, '\n');
}

}  // namespace sluice::csv
