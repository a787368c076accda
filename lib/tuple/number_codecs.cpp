#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/endian.hpp"
#include "tuple/codec.hpp"

namespace sluice::tuple::codecs {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// An optional sign and decimal digits, no blanks: what every version of PostgreSQL reads alike.
template <std::integral Int>
char* integer(const char* text, std::size_t size, char* out) {
  const char* at = text;
  const char* const end = text + size;
  bool negative = false;
  if (at != end && (*at == '-' || *at == '+')) negative = *at++ == '-';
  // 18 digits cannot overflow 64 bits; the few longer texts are the server's.
  if (at == end || end - at > 18) return nullptr;
  std::int64_t value = 0;
  for (; at != end; ++at) {
    const auto digit = static_cast<unsigned>(*at - '0');
    if (digit > 9) return nullptr;
    value = value * 10 + digit;
  }
  if (negative) value = -value;
  if (value < std::numeric_limits<Int>::min() || value > std::numeric_limits<Int>::max())
    return nullptr;
  return store_big_endian(out, static_cast<Int>(value));
}

/// Decimal texts with an optional exponent. Both strtod and from_chars round correctly, so the bits
/// are the same; what overflows or underflows is the server's, as are hexadecimal forms, infinities
/// and NaN.
template <std::floating_point Float, std::integral Bits>
char* floating(const char* text, std::size_t size, char* out) {
  const char* at = text;
  const char* const end = text + size;
  if (at != end && *at == '+') ++at;
  const char* const first = at != end && *at == '-' && at == text ? at + 1 : at;
  if (first == end ||
      !(is_digit(*first) || (*first == '.' && end - first > 1 && is_digit(first[1]))))
    return nullptr;
  Float value = 0;
  const auto [stop, error] = std::from_chars(at, end, value, std::chars_format::general);
  if (error != std::errc() || stop != end) return nullptr;
  return store_big_endian(out, std::bit_cast<Bits>(value));
}

}  // namespace

char* int2(const char* text, std::size_t size, char* out) {
  return integer<std::int16_t>(text, size, out);
}
char* int4(const char* text, std::size_t size, char* out) {
  return integer<std::int32_t>(text, size, out);
}
char* int8(const char* text, std::size_t size, char* out) {
  return integer<std::int64_t>(text, size, out);
}

char* float4(const char* text, std::size_t size, char* out) {
  return floating<float, std::int32_t>(text, size, out);
}

char* float8(const char* text, std::size_t size, char* out) {
  return floating<double, std::int64_t>(text, size, out);
}

/// numeric_recv of utils/adt/numeric.c: int16 count of base-10000 digits, int16 weight of the first
/// one, int16 sign, int16 display scale (digits behind the point), then the digits. Zeros at both
/// ends are not stored.
char* numeric(const char* text, std::size_t size, char* out) {
  static constexpr std::size_t digits_max = 1000;
  const char* at = text;
  const char* const end = text + size;
  bool negative = false;
  if (at != end && (*at == '-' || *at == '+')) negative = *at++ == '-';
  const char* const whole = at;
  while (at != end && is_digit(*at)) ++at;
  const char* const whole_end = at;
  const char* fraction = at;
  if (at != end && *at == '.') {
    fraction = ++at;
    while (at != end && is_digit(*at)) ++at;
  }
  const char* const fraction_end = at;
  const auto scale = static_cast<std::size_t>(fraction_end - fraction);
  const auto whole_digits = static_cast<std::size_t>(whole_end - whole);
  if (at != end || whole_digits + scale == 0 || whole_digits + scale > digits_max) return nullptr;

  char* const header = out;
  char* group = out + 8;
  int weight = 0;
  bool begun = false;
  const auto add = [&](int value, int group_weight) {
    if (!begun) {
      if (value == 0) return;
      begun = true;
      weight = group_weight;
    }
    group = store_big_endian(group, static_cast<std::int16_t>(value));
  };

  int group_weight = static_cast<int>((whole_digits + 3) / 4) - 1;
  for (const char* digit = whole; digit != whole_end;) {
    const auto left = static_cast<std::size_t>(whole_end - digit);
    std::size_t length = left % 4 == 0 ? 4 : left % 4;
    int value = 0;
    for (; length > 0; --length) value = value * 10 + (*digit++ - '0');
    add(value, group_weight--);
  }
  group_weight = -1;
  for (const char* digit = fraction; digit != fraction_end;) {
    int value = 0;
    for (int place = 0; place < 4; ++place)
      value = value * 10 + (digit != fraction_end ? *digit++ - '0' : 0);
    add(value, group_weight--);
  }
  while (group > header + 8 && group[-1] == 0 && group[-2] == 0) group -= 2;

  const auto groups = static_cast<std::int16_t>((group - header - 8) / 2);
  static constexpr std::int16_t sign_negative = 0x4000;
  char* field = store_big_endian(header, groups);
  field = store_big_endian(field, static_cast<std::int16_t>(groups == 0 ? 0 : weight));
  field = store_big_endian(field,
                           static_cast<std::int16_t>(negative && groups != 0 ? sign_negative : 0));
  store_big_endian(field, static_cast<std::int16_t>(scale));
  return group;
}

}  // namespace sluice::tuple::codecs
