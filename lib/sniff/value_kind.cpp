#include "sniff/value_kind.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/ascii.hpp"
#include "base/endian.hpp"
#include "sniff/local_date.hpp"
#include "tuple/codec.hpp"

namespace sluice::sniff {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What PostgreSQL's codec makes of a text. A copy, because codecs read a few bytes more.
struct Binary {
  static constexpr std::size_t text_max = 64;
  std::array<char, text_max + tuple::codec_slack> bytes{};
  bool is_certain = false;

  Binary(tuple::Encode codec, std::string_view text) {
    if (text.size() > text_max) return;
    std::array<char, text_max + tuple::codec_padding> padded;
    std::memcpy(padded.data(), text.data(), text.size());
    std::memset(padded.data() + text.size(), 0, tuple::codec_padding);
    is_certain = codec(padded.data(), text.size(), bytes.data()) != nullptr;
  }
};

/// What PostgreSQL's codec is certain of.
bool is_certain(tuple::Encode codec, std::string_view text) {
  return Binary(codec, text).is_certain;
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
  std::int64_t number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc())
    return Kind::bigint;
  // Numbers of cards and accounts have no sign, and nobody adds them up.
  static constexpr std::size_t huge_max = 38;
  return text.size() <= huge_max ? Kind::huge : Kind::text;
}

/// Digits, maybe behind a minus, and a point between them or in front: nearly all numbers, in one
/// pass. As many as a double keeps.
std::optional<Classified> plain_number(std::string_view text) {
  static constexpr std::size_t digits_max = 15;
  static constexpr std::array<double, digits_max + 1> powers{
      1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  if (text.size() > digits_max + 2) return std::nullopt;
  const bool is_negative = text.front() == '-';
  const char* const begin = text.data() + (is_negative ? 1 : 0);
  const char* const end = text.data() + text.size();
  std::int64_t digits = 0;
  const char* at = begin;
  for (; at != end && is_digit(*at); ++at) digits = digits * 10 + (*at - '0');
  const char* const point = at;
  if (at != end && *at == '.')
    for (++at; at != end && is_digit(*at); ++at) digits = digits * 10 + (*at - '0');
  const bool is_whole = point == end;
  const auto size = static_cast<std::size_t>(end - begin) - (is_whole ? 0 : 1);
  if (at != end || size == 0 || size > digits_max || (!is_whole && end == point + 1))
    return std::nullopt;
  // 007 is an identifier.
  if (point - begin > 1 && *begin == '0') return Classified{};
  if (is_negative) digits = -digits;
  const auto behind = static_cast<std::size_t>(is_whole ? 0 : end - point - 1);
  const double number = static_cast<double>(digits) / powers[behind];
  if (!is_whole) return Classified{.kind = Kind::decimal, .number = number};
  if (digits == 0 && is_negative) return Classified{};
  using Int4 = std::numeric_limits<std::int32_t>;
  const bool is_int4 = digits >= Int4::min() && digits <= Int4::max();
  return Classified{.kind = is_int4 ? Kind::integer : Kind::bigint, .number = number};
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
  static constexpr std::size_t inet_max = 49;
  if (text.size() > inet_max) return false;
  const bool is_like = std::ranges::count(text, '.') == 3 || std::ranges::count(text, ':') >= 2;
  if (!is_like || text.find_first_of("-+ ") != std::string_view::npos) return false;
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

/// Whether it may be one of some words, by its beginning, which is fast.
bool may_be(std::string_view text, std::size_t size_max, std::string_view beginnings) {
  return text.size() <= size_max && beginnings.find(text.front()) != std::string_view::npos;
}

bool is_null_word(std::string_view text) {
  static constexpr std::array<std::string_view, 14> words{
      "null", "(null)", "<null>", "n/a", "na",      "#n/a", "none",
      "\\n",  "-",      "--",     "?",   "missing", ".",    "#null!"};
  static constexpr std::size_t word_max = 7;
  return may_be(text, word_max, "nN(<#\\-?mM.") &&
         std::ranges::find(words, in_small_letters(text)) != words.end();
}

bool is_boolean(std::string_view text) {
  static constexpr std::array<std::string_view, 6> words{"true", "false", "t", "f", "yes", "no"};
  return may_be(text, 5, "tTfFyYnN") &&
         std::ranges::find(words, in_small_letters(text)) != words.end();
}

bool is_special(std::string_view text) {
  static constexpr std::array<std::string_view, 4> words{"nan", "infinity", "-infinity", "inf"};
  return may_be(text, 9, "nNiI-") &&
         std::ranges::find(words, in_small_letters(text)) != words.end();
}

bool is_uuid(std::string_view text) {
  static constexpr std::size_t length = 36;
  return text.size() == length && text[8] == '-' && is_certain(tuple::codecs::uuid, text);
}

/// Seconds with more digits than a timestamp keeps.
bool is_too_fine(std::string_view text) {
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return false;
  const auto digits = std::ranges::find_if_not(text.substr(point + 1), is_digit) -
                      (text.begin() + static_cast<std::ptrdiff_t>(point) + 1);
  return digits > 6;
}

/// The microseconds that PostgreSQL's codec makes of it, in seconds.
std::optional<double> seconds_of(tuple::Encode codec, std::string_view text) {
  const Binary binary(codec, text);
  if (!binary.is_certain) return std::nullopt;
  return static_cast<double>(load_big_endian<std::int64_t>(binary.bytes.data())) / 1e6;
}

/// Of a time. Types without an offset take one, and lose it.
bool has_offset(std::string_view time) {
  return time.find_first_not_of("0123456789:.T ") != std::string_view::npos;
}

/// 10:15, 10:15:30.5, 10:15+02
std::optional<Classified> read_time(std::string_view text) {
  if (text.size() < 5 || text[2] != ':' || is_too_fine(text)) return std::nullopt;
  if (has_offset(text)) {
    if (is_certain(tuple::codecs::timetz, text)) return Classified{.kind = Kind::timetz};
    return std::nullopt;
  }
  if (const auto seconds = seconds_of(tuple::codecs::time, text))
    return Classified{.kind = Kind::time, .number = seconds};
  return std::nullopt;
}

std::optional<double> days_of(std::string_view text) {
  const Binary binary(tuple::codecs::date, text);
  if (!binary.is_certain) return std::nullopt;
  return load_big_endian<std::int32_t>(binary.bytes.data());
}

/// Year first, with hyphens: what ISO 8601 and SQL write.
std::optional<Classified> read_iso(std::string_view text) {
  static constexpr std::size_t date_size = 10;
  if (text.size() < date_size || text[4] != '-' || text[7] != '-') return std::nullopt;
  if (text.size() == date_size) {
    const std::optional<double> days = days_of(text);
    if (!days) return std::nullopt;
    static constexpr double seconds_of_day = 86'400;
    return Classified{.kind = Kind::date, .number = *days * seconds_of_day};
  }
  if ((text[date_size] != ' ' && text[date_size] != 'T') || is_too_fine(text)) return std::nullopt;
  const bool is_instant = has_offset(text.substr(date_size));
  const auto seconds =
      seconds_of(is_instant ? tuple::codecs::timestamptz : tuple::codecs::timestamp, text);
  if (!seconds) return std::nullopt;
  return Classified{.kind = is_instant ? Kind::timestamptz : Kind::timestamp, .number = seconds};
}

bool is_number(Kind kind) {
  return kind == Kind::integer || kind == Kind::bigint || kind == Kind::huge ||
         kind == Kind::decimal || kind == Kind::exponent;
}

/// What from_chars() makes of it; nothing where a double has no such number.
std::optional<double> double_of(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

Classified of_digits(std::string_view text) {
  static constexpr std::string_view of_numbers = "0123456789.,-eE+";
  static constexpr std::size_t number_max = 64;
  if (const auto number = plain_number(text)) return *number;
  if (const auto iso = read_iso(text)) return *iso;
  if (is_like_address(text)) return {.kind = is_inet(text) ? Kind::inet : Kind::text};
  if (text.size() <= number_max && text.find_first_not_of(of_numbers) == std::string_view::npos) {
    const Kind kind = number_kind(text);
    if (kind != Kind::text)
      return {.kind = kind, .number = is_number(kind) ? double_of(text) : std::nullopt};
  }
  if (const auto time = read_time(text)) return *time;
  if (is_uuid(text)) return {.kind = Kind::uuid};
  if (is_inet(text)) return {.kind = Kind::inet};
  if (const std::optional<LocalDate> date = read_local_date(text))
    return {.kind = Kind::local_date, .date = *date};
  return {};
}

/// Whether brackets are no deeper in brackets than a server's stack takes.
bool is_flat_enough(std::string_view text) {
  static constexpr std::size_t depth_max = 500;
  std::size_t depth = 0;
  bool in_quotes = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_quotes && c == '\\') ++at;
    if (c == '"') in_quotes = !in_quotes;
    if (in_quotes) continue;
    if ((c == '[' || c == '{') && ++depth > depth_max) return false;
    if (c == ']' || c == '}') --depth;
  }
  return true;
}

bool is_json(std::string_view text) {
  return text.size() >= 2 && (text.back() == '}' || text.back() == ']') && is_flat_enough(text) &&
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
  const bool may_be_inet = first == ':' || std::isxdigit(static_cast<unsigned char>(first)) != 0;
  if (may_be_inet && text.size() >= 2 && is_inet(text)) return {.kind = Kind::inet};
  return {};
}

}  // namespace sluice::sniff
