#include "tuple/codec.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#include <bit>
#include <cstdint>

#include "base/endian.hpp"
#include "tuple/numeric_places.hpp"
#endif

// Decimal numbers of up to sixteen characters in one vector: a shuffle puts the digits where they
// count and the point away, and three multiplications make numbers of them (Mula, "SIMD-ized
// parsing of integers", http://0x80.pl/articles/simd-parsing-int-sequences.html). What has another
// form goes on to the codecs for any machine.
namespace sluice::tuple::codecs {

#if defined(__x86_64__)

namespace {

#define SLUICE_SSE4 __attribute__((target("sse4.1")))

struct Digits {
  __m128i bytes;  ///< values, not characters
  bool valid;
};

/// The characters of `text` that `places` names, one a lane, as digits; a negative place is a zero.
SLUICE_SSE4 inline Digits take_digits(__m128i text, __m128i places) {
  const __m128i digits = _mm_shuffle_epi8(_mm_sub_epi8(text, _mm_set1_epi8('0')), places);
  const __m128i above_nine = _mm_subs_epu8(digits, _mm_set1_epi8(9));
  return {digits, _mm_testz_si128(above_nine, above_nine) != 0};
}

/// Four numbers of four digits each, in the lanes of 16 bits, and once more.
SLUICE_SSE4 inline __m128i fours(__m128i digits) {
  const __m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));     // 10, 1
  const __m128i numbers = _mm_madd_epi16(pairs, _mm_set1_epi32(0x0001'0064));  // 100, 1
  return _mm_packus_epi32(numbers, numbers);
}

SLUICE_SSE4 inline __m128i counting() {
  return _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/// A sign is taken off `text`. Where the point is, or `size`.
SLUICE_SSE4 inline std::size_t find_point(const char*& text, std::size_t& size, bool& negative,
                                          __m128i& characters) {
  if (size != 0 && (*text == '-' || *text == '+')) {
    negative = *text == '-';
    ++text;
    --size;
  }
  characters = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
  const auto points =
      static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(characters, _mm_set1_epi8('.'))));
  // A bit behind the end stands for a point that is not there.
  const unsigned or_end = points | 1U << (size < 16 ? size : 16);
  return static_cast<std::size_t>(std::countr_zero(or_end));
}

constexpr double doubles_of_ten[] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                     1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16};

SLUICE_SSE4 char* float8_sse4(const char* text, std::size_t size, char* out) {
  const char* number = text;
  std::size_t length = size;
  bool negative = false;
  __m128i characters;
  const std::size_t point = find_point(number, length, negative, characters);
  const bool has_point = point < length;
  const std::size_t count = length - (has_point ? 1 : 0);
  if (length > 16 || count == 0) return float8(text, size, out);
  // Lane 15 is the last digit; from the point on, characters move up by one.
  __m128i places = _mm_sub_epi8(counting(), _mm_set1_epi8(static_cast<char>(16 - count)));
  places =
      _mm_sub_epi8(places, _mm_cmpgt_epi8(places, _mm_set1_epi8(static_cast<char>(point) - 1)));
  const Digits digits = take_digits(characters, places);
  if (!digits.valid) return float8(text, size, out);
  const __m128i eights =
      _mm_madd_epi16(fours(digits.bytes), _mm_set1_epi32(0x0001'2710));  // 10^4, 1
  const auto both = static_cast<std::uint64_t>(_mm_cvtsi128_si64(eights));
  const std::uint64_t mantissa = (both & 0xffffffff) * 100'000'000 + (both >> 32);
  // Exact if both are: see number_codecs.cpp.
  if (mantissa > std::uint64_t{1} << 53) return float8(text, size, out);
  const double value =
      static_cast<double>(mantissa) / doubles_of_ten[has_point ? length - point - 1 : 0];
  return store_big_endian(out, std::bit_cast<std::int64_t>(negative ? -value : value));
}

SLUICE_SSE4 char* numeric_sse4(const char* text, std::size_t size, char* out) {
  const char* number = text;
  std::size_t length = size;
  bool negative = false;
  __m128i characters;
  const std::size_t point = find_point(number, length, negative, characters);
  const std::size_t scale = point < length ? length - point - 1 : 0;
  if (length > 16 || point > 8 || scale > 8 || point + scale == 0) return numeric(text, size, out);
  // Lanes 0 to 7 end with the last digit in front of the point, lane 8 is the first one behind it.
  const __m128i from = _mm_setr_epi8(-8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8);
  __m128i places = _mm_add_epi8(from, _mm_set1_epi8(static_cast<char>(point)));
  places =
      _mm_or_si128(places, _mm_cmpgt_epi8(places, _mm_set1_epi8(static_cast<char>(length) - 1)));
  const Digits digits = take_digits(characters, places);
  if (!digits.valid) return nullptr;
  const __m128i first_on_top = _mm_shufflelo_epi16(fours(digits.bytes), _MM_SHUFFLE(0, 1, 2, 3));
  return store_places(static_cast<std::uint64_t>(_mm_cvtsi128_si64(first_on_top)), negative, scale,
                      out);
}

}  // namespace

Encode vector_codec(std::uint32_t type) {
  static const bool supported = __builtin_cpu_supports("sse4.1");
  if (!supported) return nullptr;
  switch (type) {
    case oid::float8: return float8_sse4;
    case oid::numeric: return numeric_sse4;
    default: return nullptr;
  }
}

#else

Encode vector_codec(std::uint32_t) { return nullptr; }

#endif

}  // namespace sluice::tuple::codecs
