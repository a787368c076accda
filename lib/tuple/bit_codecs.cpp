#include <algorithm>

#include "base/endian.hpp"
#include "tuple/codec.hpp"
#include "tuple/digits.hpp"

namespace sluice::tuple::codecs {
namespace {

/// Eight characters, each '0' or '1', as a byte, the first one on top: the product has each
/// character's bit once in its upper byte, and nowhere two that would carry.
char byte_of(digits::Word characters) {
  return static_cast<char>(((characters & digits::all('\x01')) * 0x8040'2010'0804'0201U) >> 56U);
}

}  // namespace

/// bit_recv and varbit_recv of utils/adt/varbit.c read the number of bits, then bytes of which the
/// last one is filled up with zeros. "b101" and "x5" are the server's.
char* bit(const char* text, std::size_t size, char* out) {
  out = store_big_endian(out, static_cast<std::int32_t>(size));
  for (std::size_t at = 0; at < size; at += digits::word_bytes) {
    const std::size_t count = std::min(size - at, digits::word_bytes);
    const digits::Word characters = digits::left_aligned(text + at, count);
    if ((characters & digits::all('\xfe')) != digits::all('0')) return nullptr;
    *out++ = byte_of(characters);
  }
  return out;
}

}  // namespace sluice::tuple::codecs
