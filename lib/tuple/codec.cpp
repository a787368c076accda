#include "tuple/codec.hpp"

#include <array>
#include <cstring>

namespace sluice::tuple {

Encode codec_of(std::uint32_t type, const SessionSettings& settings) {
  switch (type) {
    case oid::boolean: return codecs::boolean;
    case oid::int2: return codecs::int2;
    case oid::int4: return codecs::int4;
    case oid::int8: return codecs::int8;
    case oid::float4: return codecs::float4;
    case oid::float8: return codecs::float8;
    case oid::numeric: return codecs::numeric;
    case oid::text:
    case oid::varchar:
    case oid::bpchar: return codecs::text;
    case oid::uuid: return codecs::uuid;
    case oid::date: return codecs::date;
    case oid::time: return codecs::time;
    case oid::timestamp: return codecs::timestamp;
    case oid::timestamptz:
      return settings.time_zone_is_utc ? codecs::timestamptz_in_utc : codecs::timestamptz;
    default: return nullptr;
  }
}

namespace codecs {

char* text(const char* text, std::size_t size, char* out) {
  std::memcpy(out, text, size);
  return out + size;
}

char* boolean(const char* text, std::size_t size, char* out) {
  if (size == 0 || size > 5) return nullptr;
  std::array<char, 5> lower{};
  for (std::size_t i = 0; i < size; ++i) lower[i] = static_cast<char>(text[i] | 0x20);
  const std::string_view word(lower.data(), size);
  // '0' and '1' have the bit of lower case already.
  const bool is_true =
      word == "t" || word == "1" || word == "true" || word == "y" || word == "yes" || word == "on";
  const bool is_false =
      word == "f" || word == "0" || word == "false" || word == "n" || word == "no" || word == "off";
  if (!is_true && !is_false) return nullptr;
  for (std::size_t i = 0; i < size; ++i) {
    // The bit also turns control characters into letters' neighbours; those are not words.
    if (static_cast<unsigned char>(text[i]) < '0') return nullptr;
  }
  *out = is_true ? 1 : 0;
  return out + 1;
}

char* uuid(const char* text, std::size_t size, char* out) {
  const bool dashes = size == 36;
  if (!dashes && size != 32) return nullptr;
  std::size_t at = 0;
  for (int byte = 0; byte < 16; ++byte) {
    if (dashes && (byte == 4 || byte == 6 || byte == 8 || byte == 10) && text[at++] != '-')
      return nullptr;
    unsigned value = 0;
    for (int digit = 0; digit < 2; ++digit) {
      const char c = text[at++];
      if (c >= '0' && c <= '9') {
        value = value * 16 + static_cast<unsigned>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        value = value * 16 + static_cast<unsigned>(c - 'a' + 10);
      } else if (c >= 'A' && c <= 'F') {
        value = value * 16 + static_cast<unsigned>(c - 'A' + 10);
      } else {
        return nullptr;
      }
    }
    *out++ = static_cast<char>(value);
  }
  return out;
}

}  // namespace codecs
}  // namespace sluice::tuple
