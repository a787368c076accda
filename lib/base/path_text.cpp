#include "base/path_text.hpp"

#include <array>
#include <cstdio>
#include <string_view>

#include "base/printable.hpp"

namespace sluice {
namespace {

constexpr std::string_view begin = "$'";

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::string text_of_path(const std::string& path) {
  // A name that begins like such a text would be read back as another one.
  if (is_utf8(path) && !path.starts_with(begin)) return path;
  std::string text(begin);
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\') {
      text += '\\';
      text += c;
    } else if (byte < 0x20 || byte >= 0x7F) {
      std::array<char, 8> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\x%02x", byte);
      text += escaped.data();
    } else {
      text += c;
    }
  }
  return text + '\'';
}

std::string path_of_text(const std::string& text) {
  if (!text.starts_with(begin) || !text.ends_with('\'') || text.size() <= begin.size()) return text;
  std::string path;
  const std::size_t end = text.size() - 1;
  for (std::size_t at = begin.size(); at < end; ++at) {
    if (text[at] != '\\' || at + 1 >= end) {
      path += text[at];
      continue;
    }
    ++at;
    const bool is_hex =
        text[at] == 'x' && at + 2 < end && digit(text[at + 1]) >= 0 && digit(text[at + 2]) >= 0;
    if (!is_hex) {
      path += text[at];
      continue;
    }
    path += static_cast<char>(digit(text[at + 1]) * 16 + digit(text[at + 2]));
    at += 2;
  }
  return path;
}

}  // namespace sluice
