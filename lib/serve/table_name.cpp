#include "serve/table_name.hpp"

#include <fnmatch.h>

#include "base/ascii.hpp"
#include "serve/message.hpp"

namespace sluice::serve {
namespace {

/// https://www.postgresql.org/docs/current/limits.html
constexpr std::size_t identifier_bytes_max = 63;

[[noreturn]] void refuse(std::string_view text) {
  throw Refused{400, "\"" + std::string(text) +
                         "\" names no table: it is written as in SQL, trips, sales.trips or "
                         "\"Trips\""};
}

/// One name in front of `text`, which loses it.
std::string take_name(std::string_view& text, std::string_view whole) {
  std::string name;
  if (text.starts_with('"')) {
    for (;;) {
      const std::size_t end = text.find('"', 1);
      if (end == text.npos) refuse(whole);
      name += text.substr(1, end - 1);
      text.remove_prefix(end + 1);
      if (!text.starts_with('"')) break;
      name += '"';
    }
  } else {
    const std::string_view plain = text.substr(0, text.find('.'));
    for (const char c : plain) {
      const bool is_word = is_ascii_letter(c) || is_ascii_digit(c) || c == '_' || c == '$' ||
                           static_cast<unsigned char>(c) >= 0x80;
      if (!is_word) refuse(whole);
      name += ascii_lower(c);
    }
    text.remove_prefix(plain.size());
  }
  if (name.empty()) refuse(whole);
  // The server would cut it, and find another table than a pattern has seen.
  if (name.size() > identifier_bytes_max)
    throw Refused{400, "a name has at most " + std::to_string(identifier_bytes_max) + " bytes"};
  return name;
}

}  // namespace

TableName table_name_of(std::string_view text) {
  const std::string_view whole = text;
  std::string first = take_name(text, whole);
  if (text.empty()) return {.schema = {}, .name = std::move(first)};
  if (!text.starts_with('.')) refuse(whole);
  text.remove_prefix(1);
  std::string second = take_name(text, whole);
  if (!text.empty()) refuse(whole);
  return {.schema = std::move(first), .name = std::move(second)};
}

bool matches(std::string_view pattern, const TableName& table) {
  if (pattern == "*") return true;
  const std::size_t dot = pattern.find('.');
  const std::string schema(dot == pattern.npos ? "*" : pattern.substr(0, dot));
  const std::string name(dot == pattern.npos ? pattern : pattern.substr(dot + 1));
  return ::fnmatch(schema.c_str(), table.schema.c_str(), FNM_NOESCAPE) == 0 &&
         ::fnmatch(name.c_str(), table.name.c_str(), FNM_NOESCAPE) == 0;
}

}  // namespace sluice::serve
