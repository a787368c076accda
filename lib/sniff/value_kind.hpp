#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/names.hpp"

namespace sluice::sniff {

/// The narrowest thing that a text can be. What a person would not take for a number is none: with
/// leading zeros or a plus it is an identifier, a phone number, a zip code.
enum class Kind : std::uint8_t {
  empty,
  null_word,  ///< NULL, N/A and the like
  integer,    ///< of 32 bits
  bigint,     ///< of 64 bits
  huge,       ///< an integer of more
  decimal,    ///< 12.50
  comma,      ///< 12,50: only a decimal comma can be meant, maybe with points between thousands
  grouped,    ///< 1,234 or 1,234.50: commas between thousands, or for three digits a decimal comma
  exponent,   ///< 1e5, and what a double keeps of it
  special,    ///< NaN, Infinity
  boolean,
  date,         ///< 2025-12-31
  timestamp,    ///< the same with a time
  timestamptz,  ///< and with an offset
  time,
  timetz,      ///< a time with an offset
  local_date,  ///< 31/12/2025, 31.12.25 10:15, 31-Dec-2025: a date, whose order is to be found out
  uuid,
  inet,
  json,
  text,
};

inline constexpr std::size_t kinds = static_cast<std::size_t>(Kind::text) + 1;

/// Which orders a local date may have.
enum DateOrder : std::uint8_t { dmy = 1, mdy = 2, ymd = 4 };

/// What a local date looks like, and how it may be read.
struct LocalDate {
  char separator = 0;
  std::uint8_t orders = 0;  ///< bits of DateOrder
  bool has_month_name = false;
  bool has_short_year = false;
  std::uint8_t time_parts = 0;  ///< 0: there is no time; 2: hours and minutes; 3: seconds too
  bool has_fraction = false;    ///< behind the seconds
  bool has_meridiem = false;    ///< AM or PM

  /// The same in all but the order and how finely the time is said.
  bool is_like(const LocalDate& other) const;
};

struct Classified {
  Kind kind = Kind::text;
  LocalDate date = {};
  /// Of numbers what they are, of dates and times in seconds (from 2000-01-01 on, in UTC).
  std::optional<double> number = std::nullopt;
};

/// Of a value behind unquoting, with no blanks around it. Pure, and fast for what is common.
Classified classify(std::string_view text);

}  // namespace sluice::sniff
