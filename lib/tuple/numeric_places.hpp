#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/endian.hpp"

/// How numeric_recv of utils/adt/numeric.c wants a number: int16 count of base-10000 digits, int16
/// weight of the first one, int16 sign, int16 display scale (digits behind the point), then the
/// digits. Zeros at both ends are not stored.
namespace sluice::tuple::codecs {

constexpr std::uint64_t numeric_header(int groups, int weight, bool negative, std::size_t scale) {
  constexpr std::uint64_t sign_negative = 0x4000;
  if (groups == 0) return scale;
  return static_cast<std::uint64_t>(groups) << 48 |
         static_cast<std::uint64_t>(static_cast<std::uint16_t>(weight)) << 32 |
         (negative ? sign_negative : 0) << 16 | scale;
}

/// Writes a number with at most eight digits on either side of the point: two groups in front of it
/// and two behind it, the first in the top 16 bits of `places`, so that the zeros at both ends fall
/// off together. REQUIRES: room for 16 bytes.
inline char* store_places(std::uint64_t places, bool negative, std::size_t scale, char* out) {
  static constexpr int place_bits = 16;
  static constexpr int places_count = 4;
  const int leading = std::countl_zero(places) / place_bits;  // 4 for zero itself
  const int trailing = std::countr_zero(places) / place_bits;
  const int groups = places == 0 ? 0 : places_count - leading - trailing;
  out = store_big_endian(out, numeric_header(groups, 1 - leading, negative, scale));
  store_big_endian(out, leading == places_count ? 0 : places << (place_bits * leading));
  return out + std::ptrdiff_t{2} * groups;
}

}  // namespace sluice::tuple::codecs
