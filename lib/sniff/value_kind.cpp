#include "sniff/value_kind.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "sniff/local_date.hpp"
#include "tuple/codec.hpp"

namespace sluice::sniff {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string_view text) {
  std::string made(text);
  std::ranges::transform(made, made.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return made;
}

/// What PostgreSQL's codec is certain of. A copy, because codecs read a few bytes more.
bool is_certain(tuple::Encode codec, std::string_view text) {
  static constexpr std::size_t text_max = 64;
  if (text.size() > text_max) return false;
  std::array<char, text_max + tuple::codec_padding> padded{};
  std::array<char, text_max + tuple::codec_slack> out{};
  std::ranges::copy(text, padded.begin());
  return codec(padded.data(), text.size(), out.data()) != nullptr;
}

/// Groups of three digits behind a first one of one to three.
bool is_grouped(std::string_view digits, char separator) {
  std::size_t group = 0;
  bool is_first = true;
  for (const char c : digits) {
    if (c != separator) {
      ++group;
      continue;
    }
    if (group == 0 || group > 3 || (!is_first && group != 3)) return false;
    is_first = false;
    group = 0;
  }
  return !is_first && group == 3;
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

/// 007 is no number, and neither is what begins with a plus.
bool has_leading_zero(std::string_view digits) {
  return digits.size() > 1 && digits.front() == '0' && is_digit(digits[1]);
}

Kind integer_kind(std::string_view text) {
  if (has_leading_zero(text.front() == '-' ? text.substr(1) : text)) return Kind::text;
  if (text == "-0") return Kind::text;
  if (text.size() < 10 || is_certain(tuple::codecs::int4, text)) return Kind::integer;
  if (text.size() < 19 || is_certain(tuple::codecs::int8, text)) return Kind::bigint;
  // Numbers of cards and accounts have no sign, and nobody adds them up.
  static constexpr std::size_t huge_max = 38;
  return text.size() <= huge_max ? Kind::huge : Kind::text;
}

Kind exponent_kind(std::string_view text) {
  // A double keeps 15 digits.
  static constexpr std::ptrdiff_t digits_max = 15;
  const std::string_view mantissa = text.substr(0, text.find_first_of("eE"));
  if (std::ranges::count_if(mantissa, is_digit) > digits_max) return Kind::text;
  return is_certain(tuple::codecs::float8, text) ? Kind::exponent : Kind::text;
}

/// Four numbers between points, or colons and hexadecimal digits; a network too.
bool is_inet(std::string_view text) {
  const bool may_be = std::ranges::count(text, '.') == 3 || std::ranges::count(text, ':') >= 2;
  if (!may_be || text.find_first_of("-+ ") != std::string_view::npos) return false;
  for (std::size_t at = 0; at + 1 < text.size(); ++at)
    if (text[at] == '0' && is_digit(text[at + 1]) && (at == 0 || text[at - 1] == '.')) return false;
  return is_certain(tuple::codecs::inet, text);
}

/// What has the form of an address is no number with points between its thousands.
bool is_like_address(std::string_view text) {
  if (std::ranges::count(text, '.') != 3) return false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t end = std::min(text.find('.', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    if (part.size() > 3 || (part.size() == 3 && part > "255")) return false;
    begin = end + 1;
  }
  return true;
}

/// Of text that begins with a digit, a minus or a mark, and has none but the characters of numbers.
Kind number_kind(std::string_view text) {
  const std::string_view digits = text.front() == '-' ? text.substr(1) : text;
  if (digits.empty()) return Kind::text;
  if (all_digits(digits)) return integer_kind(text);
  if (digits.find_first_of("eE") != std::string_view::npos) return exponent_kind(text);
  const std::size_t last = digits.find_last_of(".,");
  if (last == std::string_view::npos) return Kind::text;
  const std::string_view whole = digits.substr(0, last);
  const std::string_view fraction = digits.substr(last + 1);
  if (has_leading_zero(whole)) return Kind::text;
  const bool has_fraction = all_digits(fraction);
  if (digits[last] == '.') {
    if (!has_fraction) return Kind::text;
    if (whole.empty() || all_digits(whole)) return Kind::decimal;
    if (is_grouped(whole, ',')) return Kind::grouped;
    // 1.234.567: points between thousands are those of a decimal comma.
    return is_grouped(digits, '.') ? Kind::comma : Kind::text;
  }
  if (!has_fraction || whole.empty()) return Kind::text;
  if (is_grouped(whole, '.')) return Kind::comma;
  if (is_grouped(digits, ',')) return Kind::grouped;
  return all_digits(whole) ? Kind::comma : Kind::text;
}

bool is_null_word(std::string_view text) {
  static constexpr std::array<std::string_view, 14> words{
      "null", "(null)", "<null>", "n/a", "na",      "#n/a", "none",
      "\\n",  "-",      "--",     "?",   "missing", ".",    "#null!"};
  static constexpr std::size_t word_max = 7;
  return text.size() <= word_max && std::ranges::find(words, lower(text)) != words.end();
}

bool is_boolean(std::string_view text) {
  static constexpr std::array<std::string_view, 6> words{"true", "false", "t", "f", "yes", "no"};
  return text.size() <= 5 && std::ranges::find(words, lower(text)) != words.end();
}

bool is_special(std::string_view text) {
  static constexpr std::array<std::string_view, 4> words{"nan", "infinity", "-infinity", "inf"};
  return text.size() <= 9 && std::ranges::find(words, lower(text)) != words.end();
}

bool is_uuid(std::string_view text) {
  static constexpr std::size_t length = 36;
  return text.size() == length && text[8] == '-' && is_certain(tuple::codecs::uuid, text);
}

/// 10:15, 10:15:30.5
bool is_time(std::string_view text) {
  return text.size() >= 5 && text[2] == ':' && is_certain(tuple::codecs::time, text);
}

/// Seconds with more digits than a timestamp keeps.
bool is_too_fine(std::string_view text) {
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return false;
  const auto digits = std::ranges::find_if_not(text.substr(point + 1), is_digit) -
                      (text.begin() + static_cast<std::ptrdiff_t>(point) + 1);
  return digits > 6;
}

/// Year first, with hyphens: what ISO 8601 and SQL write.
std::optional<Kind> iso_kind(std::string_view text) {
  static constexpr std::size_t date_size = 10;
  if (text.size() < date_size || text[4] != '-' || text[7] != '-' || is_too_fine(text))
    return std::nullopt;
  if (text.size() == date_size)
    return is_certain(tuple::codecs::date, text) ? std::optional(Kind::date) : std::nullopt;
  if (text[date_size] != ' ' && text[date_size] != 'T') return std::nullopt;
  if (is_certain(tuple::codecs::timestamptz, text)) return Kind::timestamptz;
  if (is_certain(tuple::codecs::timestamp, text)) return Kind::timestamp;
  return std::nullopt;
}

Classified of_digits(std::string_view text) {
  static constexpr std::string_view of_numbers = "0123456789.,-eE+";
  static constexpr std::size_t number_max = 64;
  if (is_like_address(text)) return {.kind = is_inet(text) ? Kind::inet : Kind::text};
  if (text.size() <= number_max && text.find_first_not_of(of_numbers) == std::string_view::npos) {
    const Kind kind = number_kind(text);
    if (kind != Kind::text) return {.kind = kind};
  }
  if (const std::optional<Kind> iso = iso_kind(text)) return {.kind = *iso};
  if (is_time(text)) return {.kind = Kind::time};
  if (is_uuid(text)) return {.kind = Kind::uuid};
  if (is_inet(text)) return {.kind = Kind::inet};
  if (const std::optional<LocalDate> date = read_local_date(text))
    return {.kind = Kind::local_date, .date = *date};
  return {};
}

bool is_json(std::string_view text) {
  return text.size() >= 2 && (text.back() == '}' || text.back() == ']') &&
         nlohmann::json::accept(text.begin(), text.end());
}

}  // namespace

bool LocalDate::is_like(const LocalDate& other) const {
  return separator == other.separator && has_month_name == other.has_month_name &&
         has_short_year == other.has_short_year && has_meridiem == other.has_meridiem &&
         (time_parts == 0) == (other.time_parts == 0);
}

Classified classify(std::string_view text) {
  if (text.empty()) return {.kind = Kind::empty};
  const char first = text.front();
  if (is_digit(first)) return of_digits(text);
  if (is_null_word(text)) return {.kind = Kind::null_word};
  if (first == '-' || first == '.') {
    if (is_special(text)) return {.kind = Kind::special};
    return of_digits(text);
  }
  if (first == '{' || first == '[') return {.kind = is_json(text) ? Kind::json : Kind::text};
  if (is_boolean(text)) return {.kind = Kind::boolean};
  if (is_special(text)) return {.kind = Kind::special};
  if (is_uuid(text)) return {.kind = Kind::uuid};
  if (text.size() >= 2 && is_inet(text)) return {.kind = Kind::inet};
  if (const std::optional<LocalDate> date = read_local_date(text))
    return {.kind = Kind::local_date, .date = *date};
  return {};
}

}  // namespace sluice::sniff
