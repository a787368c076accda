#include "base/identifier.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "base/characters.hpp"

namespace sluice {
namespace {

/// What is no name of a column or a table unless it is quoted
/// (https://www.postgresql.org/docs/current/sql-keywords-appendix.html).
constexpr std::string_view reserved =
    " all analyse analyze and any array as asc asymmetric authorization binary both case "
    "cast check collate collation column concurrently constraint create cross "
    "current_catalog current_date current_role current_schema current_time "
    "current_timestamp current_user default deferrable desc distinct do else end except "
    "false fetch for foreign freeze from full grant group having ilike in initially inner "
    "intersect into is isnull join lateral leading left like limit localtime "
    "localtimestamp natural not notnull null offset on only or order outer overlaps "
    "placing primary references returning right select session_user similar some symmetric "
    "system_user table tablesample then to trailing true union unique user using variadic "
    "verbose when where window with ";

/// The character of UTF-8 that begins at `at`, which is left behind it.
std::uint32_t take_character(std::string_view text, std::size_t& at) {
  const auto first = static_cast<unsigned char>(text[at++]);
  if (first < 0x80) return first;
  std::uint32_t code = first & (first >= 0xF0 ? 0x07U : first >= 0xE0 ? 0x0FU : 0x1FU);
  for (; at < text.size() && is_inside_character(text[at]); ++at)
    code = code << 6U | (static_cast<unsigned char>(text[at]) & 0x3FU);
  return code;
}

/// A quoted name, with its quotes.
std::string in_ascii(std::string_view name) {
  const bool is_ascii =
      std::ranges::all_of(name, [](const char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (is_ascii) return std::string(name);
  std::string result = "U&";
  for (std::size_t at = 0; at < name.size();) {
    const std::uint32_t code = take_character(name, at);
    if (code < 0x80) {
      if (code == '\\') result += '\\';
      result += static_cast<char>(code);
      continue;
    }
    std::array<char, 16> escaped{};
    std::snprintf(escaped.data(), escaped.size(), code < 0x10000 ? "\\%04x" : "\\+%06x", code);
    result += escaped.data();
  }
  return result;
}

}  // namespace

std::string with_ascii_names(std::string_view sql) {
  std::string result;
  for (std::size_t at = 0; at < sql.size();) {
    const std::size_t begin = std::min(sql.find('"', at), sql.size());
    result += sql.substr(at, begin - at);
    if (begin == sql.size()) break;
    // A doubled quote is one of the name's.
    std::size_t end = sql.find('"', begin + 1);
    while (end != std::string_view::npos && end + 1 < sql.size() && sql[end + 1] == '"')
      end = sql.find('"', end + 2);
    end = std::min(end, sql.size() - 1);
    result += in_ascii(sql.substr(begin, end + 1 - begin));
    at = end + 1;
  }
  return result;
}

std::string quote_identifier(std::string_view name) {
  std::string result = "\"";
  for (const char c : name) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

std::string name_in_sql(const std::string& name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  const bool is_bare = !name.empty() && (name.front() < '0' || name.front() > '9') &&
                       std::ranges::all_of(name, is_plain) &&
                       reserved.find(" " + name + " ") == std::string_view::npos;
  return is_bare ? name : quote_identifier(name);
}

std::string quote_identifiers(std::span<const std::string> names) {
  std::string result;
  for (const std::string& name : names) {
    if (!result.empty()) result += ", ";
    result += quote_identifier(name);
  }
  return result;
}

std::string quote_literal(std::string_view text) {
  std::string result = text.find('\\') == std::string_view::npos ? "'" : " E'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += c;
    result += c;
  }
  return result + '\'';
}

}  // namespace sluice
