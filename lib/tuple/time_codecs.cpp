#include <cstdint>

#include "base/endian.hpp"
#include "tuple/codec.hpp"

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

/// "2024-02-29" at the beginning of `text`; false if it is something else.
inline bool read_date(const char* text, std::size_t size, int& days) {
  if (size < 10 || text[4] != '-' || text[7] != '-') return false;
  const int century = two_digits(text);
  const int year_of_century = two_digits(text + 2);
  const int month = two_digits(text + 5);
  const int day = two_digits(text + 8);
  if (century < 0 || year_of_century < 0 || month < 1 || month > 12 || day < 1) return false;
  const int year = century * 100 + year_of_century;
  if (year < 1) return false;
  static constexpr int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (day > month_days[month - 1] + (month == 2 && leap ? 1 : 0)) return false;
  days = days_from_civil(year, month, day);
  return true;
}

/// "23:59", "23:59:58", "23:59:58.123456" at the beginning of `text`; returns its length, or 0 if
/// it is something else.
inline std::size_t read_time(const char* text, std::size_t size, std::int64_t& microseconds) {
  if (size < 5 || text[2] != ':') return 0;
  const int hour = two_digits(text);
  const int minute = two_digits(text + 3);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return 0;
  std::size_t at = 5;
  int second = 0;
  std::int64_t fraction = 0;
  if (size >= 8 && text[5] == ':') {
    second = two_digits(text + 6);
    if (second < 0 || second > 59) return 0;
    at = 8;
    if (size > 9 && text[8] == '.') {
      std::int64_t unit = microseconds_per_second / 10;
      std::size_t digits = 0;
      for (at = 9; at < size; ++at, ++digits) {
        const auto digit = static_cast<unsigned>(text[at] - '0');
        if (digit > 9) break;
        fraction += digit * unit;
        unit /= 10;
      }
      if (digits == 0 || digits > 6) return 0;
    }
  }
  microseconds =
      (std::int64_t{hour} * 3600 + minute * 60 + second) * microseconds_per_second + fraction;
  return at;
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

/// "Z", "+02", "-0330", "+05:45": all of `text`.
inline bool read_offset(const char* text, std::size_t size, std::int64_t& microseconds) {
  if (size == 1 && *text == 'Z') {
    microseconds = 0;
    return true;
  }
  if ((size != 3 && size != 5 && size != 6) || (*text != '+' && *text != '-')) return false;
  if (size == 6 && text[3] != ':') return false;
  const int hours = two_digits(text + 1);
  const int minutes = size == 3 ? 0 : two_digits(text + size - 2);
  if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59) return false;
  microseconds = (std::int64_t{hours} * 3600 + minutes * 60) * microseconds_per_second;
  if (*text == '-') microseconds = -microseconds;
  return true;
}

inline char* timestamptz(const char* text, std::size_t size, char* out,
                         bool without_offset_is_utc) {
  std::int64_t microseconds = 0;
  const std::size_t length = read_timestamp(text, size, microseconds);
  if (length == 0) return nullptr;
  std::int64_t offset = 0;
  if (length == size) {
    if (!without_offset_is_utc) return nullptr;
  } else if (length == 10 || !read_offset(text + length, size - length, offset)) {
    return nullptr;
  }
  return store_big_endian(out, microseconds - offset);
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

}  // namespace sluice::tuple::codecs
