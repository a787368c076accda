#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "base/endian.hpp"
#include "tuple/codec.hpp"
#include "tuple/digits.hpp"
#include "tuple/numeric_places.hpp"
#include "tuple/range_codec.hpp"

namespace sluice::tuple::codecs {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// An optional sign and decimal digits, no blanks: what every version of PostgreSQL reads alike.
template <std::integral Int>
char* integer(const char* text, std::size_t size, char* out) {
  if (size == 0) return nullptr;
  // No branch on the sign: of values of both signs it would guess wrong half of the time.
  const bool is_negative = *text == '-';
  const std::size_t sign = is_negative || *text == '+' ? 1 : 0;
  text += sign;
  size -= sign;
  // 18 digits cannot overflow 64 bits; the few longer texts are the server's.
  if (size == 0 || size > 18) return nullptr;
  std::int64_t value = 0;
  for (; size > digits::word_bytes; --size, ++text) {
    const auto digit = static_cast<unsigned>(*text - '0');
    if (digit > 9) return nullptr;
    value = value * 10 + digit;
  }
  const digits::Word last = digits::right_aligned(text, size);
  if (!digits::are_digits(last)) return nullptr;
  value = value * 100'000'000 + static_cast<std::int64_t>(digits::value(last));
  const std::int64_t all_ones_if_negative = -static_cast<std::int64_t>(is_negative);
  value = (value ^ all_ones_if_negative) - all_ones_if_negative;
  if (value < std::numeric_limits<Int>::min() || value > std::numeric_limits<Int>::max())
    return nullptr;
  return store_big_endian(out, static_cast<Int>(value));
}

/// A decimal number in its usual form: an optional sign, at most eight digits, and behind a point
/// at most eight more.
struct Decimal {
  bool negative = false;
  std::size_t scale = 0;   ///< digits behind the point
  digits::Word whole = 0;  ///< right-aligned
  const char* fraction = nullptr;
};

/// Takes the number apart. False where it has another form; digits are not checked yet.
inline bool take_apart(const char* text, std::size_t size, Decimal& decimal) {
  if (size != 0 && (*text == '-' || *text == '+')) {
    decimal.negative = *text == '-';
    ++text;
    --size;
  }
  std::size_t point = digits::find(digits::load(text), '.');
  if (point > size) point = size;
  decimal.fraction = text + point + 1;
  decimal.scale = point < size ? size - point - 1 : 0;
  decimal.whole = digits::right_aligned(text, point);
  const bool eight_and_more = point == digits::word_bytes && size > point && text[point] != '.';
  return !eight_and_more && decimal.scale <= digits::word_bytes && point + decimal.scale > 0;
}

/// What a power of ten divides exactly: a mantissa that the type holds exactly, and a power that it
/// holds too, make a correctly rounded quotient (Clinger, "How to Read Floating Point Numbers
/// Accurately"; the powers are exact up to 10^22 in double, 10^10 in float).
template <std::floating_point Float>
inline constexpr Float powers_of_ten[] = {1e0F, 1e1F, 1e2F, 1e3F, 1e4F, 1e5F, 1e6F, 1e7F, 1e8F};

/// Any decimal text with an optional exponent. Both strtod and from_chars round correctly, so the
/// bits are the same; what overflows or underflows is the server's, as are hexadecimal forms,
/// infinities and NaN.
template <std::floating_point Float, std::integral Bits>
char* any_floating(const char* text, std::size_t size, char* out) {
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

template <std::floating_point Float, std::integral Bits>
char* floating(const char* text, std::size_t size, char* out) {
  Decimal decimal;
  if (take_apart(text, size, decimal)) {
    const digits::Word fraction = digits::right_aligned(decimal.fraction, decimal.scale);
    static constexpr std::uint64_t scales[] = {1,       10,        100,        1'000,      10'000,
                                               100'000, 1'000'000, 10'000'000, 100'000'000};
    if (digits::are_digits(decimal.whole) && digits::are_digits(fraction)) {
      const std::uint64_t mantissa =
          digits::value(decimal.whole) * scales[decimal.scale] + digits::value(fraction);
      if (mantissa <= std::uint64_t{1} << std::numeric_limits<Float>::digits) {
        const Float value = static_cast<Float>(mantissa) / powers_of_ten<Float>[decimal.scale];
        return store_big_endian(out, std::bit_cast<Bits>(decimal.negative ? -value : value));
      }
    }
  }
  return any_floating<Float, Bits>(text, size, out);
}

/// Numbers of any length, up to a thousand digits.
char* any_numeric(const char* text, std::size_t size, char* out) {
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

  char* const groups_begin = out + 8;
  char* group = groups_begin;
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
  while (group > groups_begin && group[-1] == 0 && group[-2] == 0) group -= 2;
  const auto groups = static_cast<int>((group - groups_begin) / 2);
  store_big_endian(out, numeric_header(groups, weight, negative, scale));
  return group;
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

char* numeric(const char* text, std::size_t size, char* out) {
  Decimal decimal;
  if (!take_apart(text, size, decimal)) return any_numeric(text, size, out);
  const digits::Word fraction = digits::left_aligned(decimal.fraction, decimal.scale);
  if (!digits::are_digits(decimal.whole) || !digits::are_digits(fraction)) return nullptr;
  const digits::Fours before = digits::fours(decimal.whole);
  const digits::Fours behind = digits::fours(fraction);
  const std::uint64_t places = std::uint64_t{before.first} << 48 |
                               std::uint64_t{before.last} << 32 |
                               std::uint64_t{behind.first} << 16 | behind.last;
  return store_places(places, decimal.negative, decimal.scale, out);
}

namespace detail {

/// Of the forms that numeric() writes: no zeros at either end of the digits.
bool is_less_numeric(std::string_view a, std::string_view b) {
  static constexpr std::size_t head = 8;
  const auto sign = [](std::string_view number) {
    if (load_big_endian<std::int16_t>(number.data()) == 0) return 0;
    return load_big_endian<std::int16_t>(number.data() + 4) == 0 ? 1 : -1;
  };
  const int sign_of_both = sign(a);
  if (sign_of_both != sign(b)) return sign_of_both < sign(b);
  if (sign_of_both < 0) std::swap(a, b);
  const auto weight_a = load_big_endian<std::int16_t>(a.data() + 2);
  const auto weight_b = load_big_endian<std::int16_t>(b.data() + 2);
  if (sign_of_both == 0 || weight_a == weight_b) return a.substr(head) < b.substr(head);
  return weight_a < weight_b;
}

}  // namespace detail

char* money_in_cents(const char* text, std::size_t size, char* out) {
  static constexpr std::size_t whole_digits_max = 15;
  const char* at = text;
  const char* const end = text + size;
  const bool is_negative = at != end && *at == '-';
  if (is_negative) ++at;
  std::int64_t cents = 0;
  const char* const whole = at;
  for (; at != end && is_digit(*at); ++at) {
    if (at - whole == whole_digits_max) return nullptr;
    cents = cents * 10 + (*at - '0');
  }
  if (at == whole) return nullptr;
  const bool has_point = at != end && *at == '.';
  if (has_point) ++at;
  for (int place = 0; place < 2; ++place) {
    const bool is_there = has_point && at != end && is_digit(*at);
    cents = cents * 10 + (is_there ? *at++ - '0' : 0);
  }
  // What is rounded, and any other form, is the server's.
  if (at != end) return nullptr;
  return store_big_endian(out, is_negative ? -cents : cents);
}

/// Digits only: oidin reads signs too, and wraps them.
char* oid(const char* text, std::size_t size, char* out) {
  std::uint64_t value = 0;
  if (size == 0 || size > 10) return nullptr;
  for (std::size_t i = 0; i < size; ++i) {
    const auto digit = static_cast<unsigned>(text[i] - '0');
    if (digit > 9) return nullptr;
    value = value * 10 + digit;
  }
  if (value > std::numeric_limits<std::uint32_t>::max()) return nullptr;
  return store_big_endian(out, static_cast<std::uint32_t>(value));
}

}  // namespace sluice::tuple::codecs
