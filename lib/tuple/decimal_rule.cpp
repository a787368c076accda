#include "tuple/decimal_rule.hpp"

#include <optional>

namespace sluice::tuple {
namespace {

/// Reads a text from its beginning to its end, and writes what is taken of it.
class Reading {
 public:
  Reading(std::string_view text, char* out) : rest_(text), begin_(out), out_(out) {}

  bool at_end() const { return rest_.empty(); }
  bool next_is(char c) const { return !rest_.empty() && rest_.front() == c; }
  bool next_is_digit() const { return !rest_.empty() && is_digit(rest_.front()); }
  void copy() {
    *out_++ = rest_.front();
    rest_.remove_prefix(1);
  }
  void copy_as(char c) {
    *out_++ = c;
    rest_.remove_prefix(1);
  }
  void copy_sign() {
    if (next_is('-') || next_is('+')) copy();
  }
  std::size_t copy_digits() {
    const char* const begin = out_;
    while (next_is_digit()) copy();
    return static_cast<std::size_t>(out_ - begin);
  }
  bool skip(std::string_view text) {
    if (text.empty() || !rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  std::string_view written() const { return {begin_, static_cast<std::size_t>(out_ - begin_)}; }

 private:
  std::string_view rest_;
  char* begin_;
  char* out_;
};

struct Whole {
  std::size_t digits = 0;
  bool is_grouped = false;
};

/// The digits in front of the decimal point: all in one, or a group of one to three and then groups
/// of three. Nothing where they are grouped otherwise: nobody begins the groups with a zero, so
/// 0.123 has a decimal point.
std::optional<Whole> copy_whole(Reading& reading, std::string_view thousands) {
  Whole whole;
  const bool begins_with_zero = reading.next_is('0');
  whole.digits = reading.copy_digits();
  while (reading.skip(thousands)) {
    if (!whole.is_grouped && (begins_with_zero || whole.digits == 0 || whole.digits > 3))
      return std::nullopt;
    const std::size_t group = reading.copy_digits();
    if (group != 3) return std::nullopt;
    whole.is_grouped = true;
    whole.digits += group;
  }
  return whole;
}

}  // namespace

Rewriting DecimalRule::rewrite(std::string_view text, char* out) const {
  using Kind = Rewriting::Kind;
  // A point that is none here would be one to the server, and money's input skips commas.
  const bool may_be_misread =
      (decimal != '.' && text.contains('.')) ||
      (numbers == Numbers::money && text.find_first_of(".,") != std::string_view::npos);
  const Rewriting unknown{may_be_misread ? Kind::refused : Kind::as_is};
  Reading reading(without_white_space(text), out);
  reading.copy_sign();
  const std::optional<Whole> whole = copy_whole(reading, thousands);
  if (!whole) return unknown;
  std::size_t digits = whole->digits;
  const bool has_point = reading.next_is(decimal);
  if (has_point) {
    reading.copy_as('.');
    digits += reading.copy_digits();
  }
  if (digits == 0) return unknown;
  const bool has_exponent = reading.next_is('e') || reading.next_is('E');
  if (has_exponent) {
    reading.copy();
    reading.copy_sign();
    if (reading.copy_digits() == 0) return unknown;
  }
  if (!reading.at_end()) return unknown;
  // The server says in its own words that these are no integers.
  if (numbers == Numbers::whole && (has_point || has_exponent)) return {};
  if (!whole->is_grouped && !has_point) return {};
  return {Kind::rewritten, reading.written()};
}

std::string DecimalRule::why_refused() const {
  std::string why = "not a number with --decimal '";
  why += decimal;
  why += '\'';
  if (thousands.empty()) {
    why += " and no --thousands";
  } else {
    why += " and --thousands '";
    why += thousands;
    why += "' (between groups of three digits)";
  }
  return why;
}

std::optional<DecimalRule::Numbers> numbers_of(const Type& type) {
  switch (type.id) {
    case oid::int2:
    case oid::int4:
    case oid::int8:
    case oid::oid: return DecimalRule::Numbers::whole;
    case oid::float4:
    case oid::float8:
    case oid::numeric: return DecimalRule::Numbers::any;
    case oid::money: return DecimalRule::Numbers::money;
    default: return std::nullopt;
  }
}

}  // namespace sluice::tuple
