#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/endian.hpp"
#include "tuple/codec.hpp"

// Values that are written in hexadecimal.
namespace sluice::tuple::codecs {
namespace {

constexpr std::uint8_t no_digit = 0xff;

constexpr std::array<std::uint8_t, 256> digit_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(no_digit);
  for (std::uint8_t i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = i;
  for (std::uint8_t i = 0; i < 6; ++i) {
    values[static_cast<std::size_t>('a' + i)] = static_cast<std::uint8_t>(10 + i);
    values[static_cast<std::size_t>('A' + i)] = static_cast<std::uint8_t>(10 + i);
  }
  return values;
}();

/// Two digits as a byte, or more than 255.
inline unsigned byte_at(const char* text) {
  const unsigned high = digit_values[static_cast<unsigned char>(text[0])];
  const unsigned low = digit_values[static_cast<unsigned char>(text[1])];
  return ((high | low) & 0xf0U) == 0 ? high * 16 + low : 256;
}

/// `count` bytes with the same separator, a colon or a dash, between each two.
inline char* separated(const char* text, std::size_t size, std::size_t count, char* out) {
  if (size != 3 * count - 1 || (text[2] != ':' && text[2] != '-')) return nullptr;
  const char separator = text[2];
  for (std::size_t i = 0; i < count; ++i, text += 3) {
    const unsigned byte = byte_at(text);
    if (byte > 255 || (i + 1 < count && text[2] != separator)) return nullptr;
    *out++ = static_cast<char>(byte);
  }
  return out;
}

/// One to eight digits.
inline std::optional<std::uint32_t> read_word(std::string_view text) {
  if (text.empty() || text.size() > 8) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text) {
    const unsigned digit = digit_values[static_cast<unsigned char>(c)];
    if (digit == no_digit) return std::nullopt;
    value = value << 4U | digit;
  }
  return value;
}

/// The "escape" format: what is printable and ASCII stands for itself, a backslash is doubled, any
/// byte may be \ooo.
inline char* escaped_bytes(const char* text, std::size_t size, char* out) {
  const char* const end = text + size;
  while (text != end) {
    const char c = *text++;
    // COPY checks the encoding of the text before bytea sees it, the binary format does not.
    if (c == 0 || static_cast<unsigned char>(c) >= 0x80) return nullptr;
    if (c != '\\') {
      *out++ = c;
      continue;
    }
    if (text == end) return nullptr;
    if (*text == '\\') {
      *out++ = *text++;
      continue;
    }
    if (end - text < 3) return nullptr;
    unsigned value = 0;
    for (int i = 0; i < 3; ++i) {
      const auto digit = static_cast<unsigned>(*text++ - '0');
      if (digit > 7) return nullptr;
      value = value * 8 + digit;
    }
    if (value > 255) return nullptr;
    *out++ = static_cast<char>(value);
  }
  return out;
}

}  // namespace

char* hexadecimal(const char* text, std::size_t size, char* out) {
  if (size % 2 != 0) return nullptr;
  for (std::size_t at = 0; at < size; at += 2) {
    const unsigned byte = byte_at(text + at);
    if (byte > 255) return nullptr;
    *out++ = static_cast<char>(byte);
  }
  return out;
}

char* uuid(const char* text, std::size_t size, char* out) {
  const bool dashes = size == 36;
  if (!dashes && size != 32) return nullptr;
  for (int i = 0; i < 16; ++i, text += 2) {
    if (dashes && (i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-') return nullptr;
    const unsigned byte = byte_at(text);
    if (byte > 255) return nullptr;
    *out++ = static_cast<char>(byte);
  }
  return out;
}

char* bytea(const char* text, std::size_t size, char* out) {
  if (size < 2 || text[0] != '\\' || text[1] != 'x') return escaped_bytes(text, size, out);
  return hexadecimal(text + 2, size - 2, out);
}

char* macaddr(const char* text, std::size_t size, char* out) {
  return separated(text, size, 6, out);
}

char* macaddr8(const char* text, std::size_t size, char* out) {
  return separated(text, size, 8, out);
}

/// "16/B374D848": the upper and the lower half of 64 bits.
char* pg_lsn(const char* text, std::size_t size, char* out) {
  const std::string_view both(text, size);
  const std::size_t slash = both.find('/');
  if (slash == std::string_view::npos) return nullptr;
  const auto upper = read_word(both.substr(0, slash));
  const auto lower = read_word(both.substr(slash + 1));
  if (!upper || !lower) return nullptr;
  return store_big_endian(out, std::uint64_t{*upper} << 32U | *lower);
}

}  // namespace sluice::tuple::codecs
