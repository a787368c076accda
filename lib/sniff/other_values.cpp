#include "sniff/other_values.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/ascii.hpp"
#include "chunk/shapes.hpp"
#include "csv/dialect.hpp"
#include "sniff/value_kind.hpp"
#include "tuple/rewriting.hpp"
#include "tuple/table.hpp"

namespace sluice::sniff {
namespace {

namespace oid = tuple::oid;

bool has_digit(std::string_view text) { return std::ranges::any_of(text, tuple::is_digit); }

/// Whether all of its characters are of these.
bool is_of(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

/// A digit or a point, behind a sign or not.
bool begins_as_number(std::string_view text) {
  if (text.front() == '+' || text.front() == '-') text.remove_prefix(1);
  return !text.empty() && (tuple::is_digit(text.front()) || text.front() == '.');
}

/// What the server reads as a time, though no digit is in it (datetime.c, datetktbl).
bool is_time_word(std::string_view text) {
  const std::string word = in_small_letters(text);
  for (const char* known :
       {"epoch", "infinity", "inf", "now", "today", "tomorrow", "yesterday", "allballs"})
    if (word.ends_with(known)) return true;  // also behind a sign
  return false;
}

bool fits_int2(std::string_view text) {
  long number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  using Limits = std::numeric_limits<std::int16_t>;
  return error == std::errc() && number >= Limits::min() && number <= Limits::max();
}

bool is_no_integer(std::string_view text, Kind kind, std::uint32_t type) {
  // What of these is none of the kinds may be one all the same: 007, +5, 1_000, 0x1f.
  if (!begins_as_number(text) || !is_of(text, "0123456789abcdefABCDEFxXoO+-_")) return true;
  if (kind == Kind::exponent || kind == Kind::date || kind == Kind::uuid || !has_digit(text))
    return true;
  if (kind == Kind::huge) return true;
  if (kind == Kind::bigint) return type != oid::int8;
  return type == oid::int2 && kind == Kind::integer && !fits_int2(text);
}

bool is_no_number(std::string_view text) {
  const bool has_sign = text.front() == '+' || text.front() == '-';
  const Kind kind = classify(has_sign ? text.substr(1) : text).kind;
  if (kind == Kind::special) return false;
  // strtod() reads hexadecimal ones too: 0x1.8p3.
  if (!begins_as_number(text) || !is_of(text, "0123456789abcdefABCDEFxXoOpP+-_.")) return true;
  return kind == Kind::comma || kind == Kind::date || kind == Kind::local_date ||
         kind == Kind::inet || kind == Kind::uuid || !has_digit(text);
}

/// It takes the beginnings of its words.
bool is_no_boolean(std::string_view text) {
  static constexpr std::size_t longest = 5;
  return text.size() > longest || (has_digit(text) && text != "0" && text != "1");
}

bool is_no_json(std::string_view text) {
  return std::string_view("{[\"-0123456789tfn").find(text.front()) == std::string_view::npos;
}

bool is_no_uuid(std::string_view text) {
  static constexpr std::size_t digits = 32;
  return text.size() < digits || !is_of(text, "0123456789abcdefABCDEF-{}");
}

}  // namespace

bool is_surely_other(std::string_view text, std::uint32_t type) {
  if (text.empty()) return false;
  switch (type) {
    case oid::int2:
    case oid::int4:
    case oid::int8: return is_no_integer(text, classify(text).kind, type);
    case oid::numeric:
    case oid::float4:
    case oid::float8: return is_no_number(text);
    case oid::boolean: return is_no_boolean(text);
    case oid::date:
    case oid::time:
    case oid::timetz:
    case oid::timestamp:
    case oid::timestamptz: return !has_digit(text) && !is_time_word(text);
    case oid::uuid: return is_no_uuid(text);
    case oid::inet:
    case oid::cidr: return !is_of(text, "0123456789abcdefABCDEFxX.:/");
    case oid::json:
    case oid::jsonb: return is_no_json(text);
    default: return false;
  }
}

std::vector<OtherValues> other_values(const chunk::Preamble& preamble,
                                      const std::vector<TypedColumn>& columns) {
  std::vector<OtherValues> found(columns.size());
  const auto take = [&columns, &found](std::size_t i, const csv::Field& field) {
    const TypedColumn& column = columns[i];
    const std::string_view text = csv::without_blanks(field.view());
    if (column.type == 0 || field.null || text.empty()) return;
    const auto& nulls = field.quoted ? column.rules.quoted_null_texts : column.rules.null_texts;
    if (std::ranges::find(nulls, text) != nulls.end()) return;
    // A word for no value is a mistake of a record, and not what the column is.
    if (classify(text).kind == Kind::null_word) return;
    OtherValues& values = found[i];
    ++values.values;
    if (!is_surely_other(text, column.type)) return;
    if (values.others++ == 0) values.first = text;
  };
  chunk::look_at_records(preamble, [&columns, &take](const csv::Record& record) {
    for (std::size_t i = 0; i < record.fields.size() && i < columns.size(); ++i)
      take(i, record.fields[i]);
  });
  return found;
}

}  // namespace sluice::sniff
