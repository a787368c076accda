#include "tuple/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/characters.hpp"

namespace sluice::tuple {
namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080U;
constexpr std::uint64_t low_bits = 0x0101010101010101U;

unsigned char byte_at(const char* at) { return static_cast<unsigned char>(*at); }

/// How long the sequence is that begins with this byte, as PostgreSQL takes it.
std::size_t length_of(unsigned char first) {
  if ((first & 0xe0U) == 0xc0) return 2;
  if ((first & 0xf0U) == 0xe0) return 3;
  if ((first & 0xf8U) == 0xf0) return 4;
  return 1;
}

/// Bytes of the well-formed sequence at `at`, or 0.
std::size_t sequence(const char* at, std::size_t left) {
  const unsigned char first = byte_at(at);
  if (first < 0x80) return first == 0 ? 0 : 1;
  const std::size_t length = length_of(first);
  if (length == 1 || length > left) return 0;
  const unsigned char second = byte_at(at + 1);
  const unsigned char least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (first < 0xc2 || first > 0xf4 || second < least || second > most) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (!is_inside_character(at[i])) return 0;
  }
  return length;
}

/// True for bytes that are all ASCII and not NUL: most files have nothing else.
bool is_plain(const char* at, std::size_t words) {
  std::uint64_t high = 0;
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t word;
    std::memcpy(&word, at + i * sizeof word, sizeof word);
    // Where no byte has its high bit, the subtraction borrows one for a zero byte only.
    high |= word | (word - low_bits);
  }
  return (high & high_bits) == 0;
}

}  // namespace

std::optional<std::size_t> find_invalid_utf8(std::string_view bytes) {
  static constexpr std::size_t block_words = 8;
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at < end) {
    while (static_cast<std::size_t>(end - at) >= 8 * block_words && is_plain(at, block_words))
      at += 8 * block_words;
    while (end - at >= 8 && is_plain(at, 1)) at += 8;
    if (at == end) break;
    const std::size_t length = sequence(at, static_cast<std::size_t>(end - at));
    if (length == 0) return static_cast<std::size_t>(at - bytes.data());
    at += length;
  }
  return std::nullopt;
}

std::string message_of_invalid_utf8(std::string_view bytes) {
  std::string message = "invalid byte sequence for encoding \"UTF8\":";
  const std::size_t length = std::min(length_of(byte_at(bytes.data())), bytes.size());
  for (std::size_t i = 0; i < length; ++i)
    message += fmt::format(" 0x{:02x}", byte_at(bytes.data() + i));
  return message;
}

}  // namespace sluice::tuple
