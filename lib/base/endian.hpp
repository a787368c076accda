#pragma once

#include <bit>
#include <concepts>
#include <cstring>

namespace sluice {

/// Writes an integer in network byte order, as PostgreSQL's binary formats have it. Returns the
/// place behind it.
template <std::integral Int>
inline char* store_big_endian(char* out, Int value) {
  if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
  std::memcpy(out, &value, sizeof value);
  return out + sizeof value;
}

/// Reads one.
template <std::integral Int>
inline Int load_big_endian(const char* at) {
  Int value;
  std::memcpy(&value, at, sizeof value);
  if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
  return value;
}

}  // namespace sluice
