#include <cstdint>
#include <string_view>

#include "base/endian.hpp"
#include "tuple/codec.hpp"
#include "tuple/digits.hpp"

// ISO 8601 texts with a four-digit year: every DateStyle reads them alike
// (https://www.postgresql.org/docs/current/datatype-datetime.html#DATATYPE-DATETIME-INPUT).
// 24:00, second 60, more than six fractional digits, BC, named zones and the like are the server's.
namespace sluice::tuple::codecs {
namespace {

constexpr std::int64_t microseconds_per_second = 1'000'000;
constexpr std::int64_t microseconds_per_day = 86'400 * microseconds_per_second;

/// Two decimal digits, or -1.
inline int two_digits(const char* text) {
  const auto tens = static_cast<unsigned>(text[0] - '0');
  const auto ones = static_cast<unsigned>(text[1] - '0');
  if (tens > 9 || ones > 9) return -1;
  return static_cast<int>(tens * 10 + ones);
}

/// Days from 2000-01-01 to a date of the proleptic Gregorian calendar (Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", days_from_civil).
constexpr int days_from_civil(int year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const int era = year / 400;
  const int year_of_era = year - era * 400;
  const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 730425;
}
static_assert(days_from_civil(2000, 1, 1) == 0 && days_from_civil(1999, 12, 31) == -1);

/// True if the characters at `first` and `second` of a word are `c`; they are then made zeros, so
/// that the rest can be looked at as digits.
inline bool take_separators(digits::Word& word, int first, int second, char c) {
  const digits::Word places = digits::Word{0xff} << (8 * first) | digits::Word{0xff}
                                                                      << (8 * second);
  if ((word & places) != (digits::all(c) & places)) return false;
  word = (word & ~places) | (digits::all('0') & places);
  return true;
}

/// "2024-02-29" at the beginning of `text`; false if it is something else.
inline bool read_date(const char* text, std::size_t size, int& days) {
  digits::Word word = digits::load(text);
  if (size < 10 || !take_separators(word, 4, 7, '-') || !digits::are_digits(word)) return false;
  const digits::Word pairs = digits::pairs(word);
  const int year = digits::pair_at(pairs, 0) * 100 + digits::pair_at(pairs, 2);
  const int month = digits::pair_at(pairs, 5);
  const int day = two_digits(text + 8);
  if (month < 1 || month > 12 || day < 1 || year < 1) return false;
  static constexpr int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (day > month_days[month - 1]) {
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month != 2 || !leap || day > 29) return false;
  }
  days = days_from_civil(year, month, day);
  return true;
}

/// ".123456" behind the seconds: microseconds, at most six digits of them. Returns its length, 0 if
/// there is none, or -1 if it is something else.
inline int read_fraction(const char* text, std::size_t size, std::int64_t& microseconds) {
  microseconds = 0;
  if (size < 2 || *text != '.') return 0;
  std::int64_t unit = microseconds_per_second / 10;
  std::size_t at = 1;
  for (; at < size; ++at) {
    const auto digit = static_cast<unsigned>(text[at] - '0');
    if (digit > 9) break;
    microseconds += digit * unit;
    unit /= 10;
  }
  return at == 1 || at > 7 ? -1 : static_cast<int>(at);
}

/// "23:59", "23:59:58", "23:59:58.123456" at the beginning of `text`; returns its length, or 0 if
/// it is something else.
inline std::size_t read_time(const char* text, std::size_t size, std::int64_t& microseconds) {
  if (size < 5 || text[2] != ':') return 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  std::int64_t fraction = 0;
  std::size_t length = 5;
  if (size >= 8 && text[5] == ':') {
    digits::Word word = digits::load(text);
    if (!take_separators(word, 2, 5, ':') || !digits::are_digits(word)) return 0;
    const digits::Word pairs = digits::pairs(word);
    hour = digits::pair_at(pairs, 0);
    minute = digits::pair_at(pairs, 3);
    second = digits::pair_at(pairs, 6);
    const int fraction_length = read_fraction(text + 8, size - 8, fraction);
    if (fraction_length < 0) return 0;
    length = 8 + static_cast<std::size_t>(fraction_length);
  } else {
    hour = two_digits(text);
    minute = two_digits(text + 3);
    if (hour < 0 || minute < 0) return 0;
  }
  if (hour > 23 || minute > 59 || second > 59) return 0;
  microseconds =
      (std::int64_t{hour} * 3600 + minute * 60 + second) * microseconds_per_second + fraction;
  return length;
}

/// "2024-02-29", "2024-02-29 23:59:58.5" or with a T; returns its length, or 0.
inline std::size_t read_timestamp(const char* text, std::size_t size, std::int64_t& microseconds) {
  int days = 0;
  if (!read_date(text, size, days)) return 0;
  microseconds = days * microseconds_per_day;
  if (size == 10) return 10;
  if (text[10] != ' ' && text[10] != 'T') return 0;
  std::int64_t time = 0;
  const std::size_t length = read_time(text + 11, size - 11, time);
  if (length == 0) return 0;
  microseconds += time;
  return 11 + length;
}

/// "Z", "+02", "-0330", "+05:45": all of `text`. Seconds east of UTC.
inline bool read_offset(const char* text, std::size_t size, int& seconds) {
  if (size == 1 && *text == 'Z') {
    seconds = 0;
    return true;
  }
  if ((size != 3 && size != 5 && size != 6) || (*text != '+' && *text != '-')) return false;
  if (size == 6 && text[3] != ':') return false;
  const int hours = two_digits(text + 1);
  const int minutes = size == 3 ? 0 : two_digits(text + size - 2);
  if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59) return false;
  seconds = hours * 3600 + minutes * 60;
  if (*text == '-') seconds = -seconds;
  return true;
}

inline char* timestamptz(const char* text, std::size_t size, char* out,
                         bool without_offset_is_utc) {
  std::int64_t microseconds = 0;
  const std::size_t length = read_timestamp(text, size, microseconds);
  if (length == 0) return nullptr;
  int offset = 0;
  if (length == size) {
    if (!without_offset_is_utc) return nullptr;
  } else if (length == 10 || !read_offset(text + length, size - length, offset)) {
    return nullptr;
  }
  return store_big_endian(out, microseconds - offset * microseconds_per_second);
}

inline char* timetz(const char* text, std::size_t size, char* out, bool without_offset_is_utc) {
  std::int64_t microseconds = 0;
  const std::size_t length = size == 0 ? 0 : read_time(text, size, microseconds);
  if (length == 0) return nullptr;
  int offset = 0;
  if (length == size) {
    if (!without_offset_is_utc) return nullptr;
  } else if (!read_offset(text + length, size - length, offset)) {
    return nullptr;
  }
  out = store_big_endian(out, microseconds);
  return store_big_endian(out, -offset);  // seconds west
}

/// The units that are taken, from the largest to the smallest, as PostgreSQL writes them.
enum class Unit { year, month, day, time };

/// "years", "mon", "day" at the beginning of `text`; returns its length, or 0.
inline std::size_t read_unit(std::string_view text, Unit& unit) {
  struct Name {
    std::string_view text;
    Unit unit;
  };
  static constexpr Name names[] = {
      {"years", Unit::year}, {"year", Unit::year}, {"months", Unit::month}, {"month", Unit::month},
      {"mons", Unit::month}, {"mon", Unit::month}, {"days", Unit::day},     {"day", Unit::day}};
  for (const Name& name : names) {
    if (!text.starts_with(name.text)) continue;
    unit = name.unit;
    return name.text.size();
  }
  return 0;
}

/// At most eight digits at the beginning of `text`; returns how many, or 0.
inline std::size_t read_count(std::string_view text, std::int64_t& value) {
  std::size_t length = 0;
  value = 0;
  while (length < text.size() && length < 9 && text[length] >= '0' && text[length] <= '9')
    value = value * 10 + (text[length++] - '0');
  return length > 8 ? 0 : length;
}

/// "04:05", "100:04:05.678": the time of an interval, all of `text`.
inline bool read_hours(std::string_view text, std::int64_t& microseconds) {
  std::int64_t hours = 0;
  const std::size_t at = read_count(text, hours);
  const std::string_view rest = text.substr(at);
  if (at == 0 || (rest.size() != 3 && rest.size() < 6) || rest[0] != ':') return false;
  const int minutes = two_digits(rest.data() + 1);
  int seconds = 0;
  std::int64_t fraction = 0;
  if (rest.size() > 3) {
    if (rest[3] != ':') return false;
    seconds = two_digits(rest.data() + 4);
    const int length = read_fraction(rest.data() + 6, rest.size() - 6, fraction);
    if (length < 0 || static_cast<std::size_t>(length) != rest.size() - 6) return false;
  }
  if (minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59) return false;
  microseconds = (hours * 3600 + minutes * 60 + seconds) * microseconds_per_second + fraction;
  return true;
}

}  // namespace

char* date(const char* text, std::size_t size, char* out) {
  int days = 0;
  if (size != 10 || !read_date(text, size, days)) return nullptr;
  return store_big_endian(out, days);
}

char* time(const char* text, std::size_t size, char* out) {
  std::int64_t microseconds = 0;
  if (size == 0 || read_time(text, size, microseconds) != size) return nullptr;
  return store_big_endian(out, microseconds);
}

char* timestamp(const char* text, std::size_t size, char* out) {
  std::int64_t microseconds = 0;
  if (size == 0 || read_timestamp(text, size, microseconds) != size) return nullptr;
  return store_big_endian(out, microseconds);
}

char* timestamptz(const char* text, std::size_t size, char* out) {
  return timestamptz(text, size, out, false);
}

char* timestamptz_in_utc(const char* text, std::size_t size, char* out) {
  return timestamptz(text, size, out, true);
}

char* timetz(const char* text, std::size_t size, char* out) {
  return timetz(text, size, out, false);
}

char* timetz_in_utc(const char* text, std::size_t size, char* out) {
  return timetz(text, size, out, true);
}

/// "1 year 2 mons -3 days +04:05:06.789": each part with its own sign, from the largest unit to the
/// smallest.
char* interval(const char* text, std::size_t size, char* out) {
  std::string_view rest(text, size);
  std::int64_t months = 0;
  std::int64_t days = 0;
  std::int64_t microseconds = 0;
  int last_unit = -1;
  while (!rest.empty()) {
    const bool negative = rest.front() == '-';
    if (negative || rest.front() == '+') rest.remove_prefix(1);
    Unit unit = Unit::time;
    std::int64_t count = 0;
    std::size_t length = read_count(rest, count);
    if (length != 0 && length < rest.size() && rest[length] == ' ') {
      ++length;
      const std::size_t name = read_unit(rest.substr(length), unit);
      if (name == 0) return nullptr;
      length += name;
    } else {
      length = rest.size();
      if (!read_hours(rest, count)) return nullptr;
    }
    if (static_cast<int>(unit) <= last_unit) return nullptr;
    last_unit = static_cast<int>(unit);
    if (negative) count = -count;
    switch (unit) {
      case Unit::year: months += count * 12; break;
      case Unit::month: months += count; break;
      case Unit::day: days = count; break;
      case Unit::time: microseconds = count; break;
    }
    rest.remove_prefix(length);
    if (rest.empty()) break;
    if (rest.size() == 1 || rest.front() != ' ') return nullptr;
    rest.remove_prefix(1);
  }
  if (last_unit < 0) return nullptr;
  out = store_big_endian(out, microseconds);
  out = store_big_endian(out, static_cast<std::int32_t>(days));
  return store_big_endian(out, static_cast<std::int32_t>(months));
}

}  // namespace sluice::tuple::codecs
