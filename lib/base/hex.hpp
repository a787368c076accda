#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// The value of a hexadecimal digit; -1 for what is none.
constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Two small digits a byte, to where there is room for them.
inline void write_hex(std::string_view bytes, char* digit) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    *digit++ = digits[byte >> 4U];
    *digit++ = digits[byte & 15U];
  }
}

inline std::string hex_of(std::string_view bytes) {
  std::string text(2 * bytes.size(), '0');
  write_hex(bytes, text.data());
  return text;
}

/// ... and back. REQUIRES: it is such a text.
inline std::string bytes_of_hex(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(hex_digit(text[i]) * 16 + hex_digit(text[i + 1]));
  return bytes;
}

}  // namespace sluice
