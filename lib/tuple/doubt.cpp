#include "tuple/doubt.hpp"

#include <algorithm>

#include "base/characters.hpp"

namespace sluice::tuple {
namespace {

constexpr std::int32_t header_bytes = 4;  // VARHDRSZ, which type modifiers of varlenas include

/// More digits in front of the point than the type has, or rounding that may carry to so many.
bool has_too_many_digits(std::string_view text, std::uint32_t digits_max, std::int32_t scale) {
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::size_t first = whole.find_first_of("123456789");
  if (first == std::string_view::npos) return false;
  const std::size_t digits = whole.size() - first;
  if (digits != digits_max) return digits > digits_max;
  const auto fraction = static_cast<std::int32_t>(text.size() - point) - 1;
  return fraction > scale && whole.find_first_not_of('9', first) == std::string_view::npos;
}

}  // namespace

bool Doubt::about(std::string_view text) const {
  // Of other encodings than UTF-8 more may be in doubt than need be.
  if (kind == Kind::bits) return true;
  if (kind == Kind::characters) return count_characters(text) > size_sure;
  return has_too_many_digits(text, size_sure, scale);
}

Doubt doubt_of(const Type& type) {
  if ((type.id == oid::bit || type.id == oid::varbit) && type.modifier > 0)
    return {static_cast<std::uint32_t>(type.modifier), Doubt::Kind::bits};
  if (type.modifier < header_bytes) return {};
  const auto modifier = static_cast<std::uint32_t>(type.modifier - header_bytes);
  switch (type.id) {
    case oid::varchar:
    case oid::bpchar: return {modifier, Doubt::Kind::characters};
    case oid::numeric: {
      // make_numeric_typmod of numeric.c: precision above, scale in eleven bits with a sign.
      const auto precision = static_cast<std::int32_t>(modifier >> 16U);
      const std::int32_t scale = static_cast<std::int32_t>((modifier & 0x7ffU) ^ 1024U) - 1024;
      return {static_cast<std::uint32_t>(std::max(precision - scale, 0)), Doubt::Kind::digits,
              scale};
    }
    default: return {};
  }
}

}  // namespace sluice::tuple
