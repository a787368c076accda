#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// Decimal digits eight at a time, without a branch on their number: texts of different lengths,
/// one after the other, would make a loop over them guess wrong.
/// (Lemire, "Quickly parsing eight digits",
/// https://lemire.me/blog/2022/01/21/swar-explained-parsing-eight-digits/)
namespace sluice::tuple::digits {

/// Eight characters in one word, the first in its lowest byte.
using Word = std::uint64_t;

inline constexpr std::size_t word_bytes = 8;

/// The same byte in all places.
constexpr Word all(char c) { return 0x0101010101010101U * static_cast<unsigned char>(c); }

inline Word load(const char* text) {
  Word word = 0;
  std::memcpy(&word, text, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = std::byteswap(word);
  return word;
}

/// The first `count` characters (at most 8) at the end of a word, behind zeros: "00000042".
/// Reads eight bytes.
inline Word right_aligned(const char* text, std::size_t count) {
  const std::size_t half =
      4 * (word_bytes - count);  // in bits; two shifts, as one by 64 is undefined
  return (load(text) << half << half) | (all('0') >> (4 * count) >> (4 * count));
}

/// The first `count` characters (at most 8) at the beginning of a word, in front of zeros:
/// "42000000". Reads eight bytes.
inline Word left_aligned(const char* text, std::size_t count) {
  const Word kept = ~(~Word{0} << (4 * count) << (4 * count));
  return (load(text) & kept) | (all('0') & ~kept);
}

inline bool are_digits(Word word) {
  return ((word & all('\xf0')) | (((word + all('\x06')) & all('\xf0')) >> 4)) == all('\x33');
}

/// Where `c` stands first, or 8.
inline std::size_t find(Word word, char c) {
  const Word rest = word ^ all(c);
  const Word zeros = (rest - all('\x01')) & ~rest & all('\x80');
  return static_cast<std::size_t>(std::countr_zero(zeros)) / 8;
}

/// Two-digit numbers: byte i holds what characters i and i + 1 say together, for each i that is
/// asked about. REQUIRES: those two are digits.
inline Word pairs(Word word) {
  word &= all('\x0f');
  return word * 10 + (word >> 8);
}
inline int pair_at(Word pairs, int place) {
  return static_cast<int>((pairs >> (8 * place)) & 0xff);
}

/// What the first four and the last four digits say.
struct Fours {
  std::uint32_t first;
  std::uint32_t last;
};

/// REQUIRES: are_digits(word).
inline Fours fours(Word word) {
  word = ((word & all('\x0f')) * 2561) >> 8;
  word = ((word & 0x00ff00ff00ff00ff) * 6553601) >> 16;
  return {static_cast<std::uint32_t>(word & 0xffff), static_cast<std::uint32_t>(word >> 32)};
}

/// REQUIRES: are_digits(word).
inline std::uint64_t value(Word word) {
  const Fours parts = fours(word);
  return parts.first * std::uint64_t{10'000} + parts.last;
}

}  // namespace sluice::tuple::digits
