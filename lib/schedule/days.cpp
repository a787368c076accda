#include "schedule/days.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::schedule {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::weekday;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 7> weekday_names{"sun", "mon", "tue", "wed",
                                                        "thu", "fri", "sat"};
constexpr FieldKind day_kind{"day of month", 1, 31, {}};
constexpr FieldKind weekday_kind{"day of week", 0, 7, weekday_names, 0};
constexpr FieldKind before_last_kind{"day of month: L-", 1, 30, {}};
constexpr FieldKind nth_kind{"day of week: #", 1, 5, {}};

std::size_t parse_weekday(std::string_view text) {
  return static_cast<std::size_t>(parse_number(text, weekday_kind)) % 7;
}

int last_day_of(year_month_day date) {
  const std::chrono::year_month_day_last last(date.year(),
                                              std::chrono::month_day_last(date.month()));
  return static_cast<int>(static_cast<unsigned>(last.day()));
}

unsigned weekday_of(year_month_day date, int day) {
  return weekday(sys_days(date.year() / date.month() / day)).c_encoding();
}

/// The day from Monday to Friday that is nearest to this one within its month.
int workday_near(year_month_day date, int day, int last) {
  const unsigned falls_on = weekday_of(date, day);
  if (falls_on == 6) return day == 1 ? 3 : day - 1;
  if (falls_on == 0) return day == last ? day - 2 : day + 1;
  return day;
}

int last_workday_of(year_month_day date, int last) {
  const unsigned falls_on = weekday_of(date, last);
  if (falls_on == 6) return last - 1;
  return falls_on == 0 ? last - 2 : last;
}

}  // namespace

Days::Days(std::string_view days_field, std::string_view weekdays_field)
    : days_given_(!days_field.contains('*')), weekdays_given_(!weekdays_field.contains('*')) {
  for (const std::string_view element : split(days_field, ',')) add_day(element);
  for (const std::string_view element : split(weekdays_field, ',')) add_weekday(element);
}

void Days::add_day(std::string_view element) {
  const std::string text = lower(element);
  const std::string_view rest = text;
  if (text == "l") {
    before_last_.set(0);
  } else if (text == "lw") {
    last_workday_ = true;
  } else if (text == "wl") {
    throw Wrong{"day of month: the last weekday of a month is LW"};
  } else if (text.starts_with("l-") && !text.ends_with('w')) {
    before_last_.set(static_cast<std::size_t>(parse_number(rest.substr(2), before_last_kind)));
  } else if (text.size() > 1 && text.ends_with('w') && !text.contains('l')) {
    if (text.contains('-')) {
      throw Wrong{fmt::format(
          "day of month: \"{}\": a W goes with one day, as in 15W; all of them are a day of week, "
          "mon-fri",
          element)};
    }
    const int day = parse_number(rest.substr(0, rest.size() - 1), day_kind);
    workdays_near_.set(static_cast<std::size_t>(day));
  } else if (text.starts_with('w')) {
    throw Wrong{fmt::format(
        "day of month: \"{}\": write 15W for the weekday that is nearest to the 15th", element)};
  } else if (text.contains('#')) {
    throw Wrong{
        fmt::format("day of month: \"{}\": a # goes with a day of week, the fifth of five "
                    "fields: 1#2 is the second Monday",
                    element)};
  } else if (text.contains('l')) {
    throw Wrong{fmt::format(
        "day of month: \"{}\": write L, L-3 or LW for the last days; the last Friday is a day of "
        "week, 5L",
        element)};
  } else {
    parse_element(element, day_kind, days_);
  }
}

void Days::add_weekday(std::string_view element) {
  const std::string text = lower(element);
  const std::string_view rest = text;
  const std::size_t hash = text.find('#');
  const bool is_list = text.contains('-') || text.contains('*') || text.contains('/');
  if (text == "l" || text == "lw") {
    throw Wrong{
        "day of week: the last Friday of the month is 5L; the last day of the month, L, and its "
        "last weekday, LW, are days of month"};
  }
  if (hash != std::string::npos || text.ends_with('l')) {
    if (is_list) {
      throw Wrong{fmt::format("day of week: \"{}\": # and L go with one day: 1#2, 5L", element)};
    }
  }
  if (hash != std::string::npos) {
    const std::string_view which = rest.substr(hash + 1);
    if (which == "l") {
      throw Wrong{fmt::format("day of week: \"{}\": write {}L for the last one", element,
                              element.substr(0, hash))};
    }
    const std::size_t day = parse_weekday(rest.substr(0, hash));
    nth_.at(static_cast<std::size_t>(parse_number(which, nth_kind)) - 1).set(day);
  } else if (text.ends_with('l')) {
    last_weekdays_.set(parse_weekday(rest.substr(0, rest.size() - 1)));
  } else if (text.starts_with('l')) {
    throw Wrong{fmt::format("day of week: \"{}\": write {}L", element, element.substr(1))};
  } else if (text.ends_with('w') || (text.starts_with('w') && !text.starts_with("wed"))) {
    throw Wrong{
        fmt::format("day of week: \"{}\": a W goes with a day of month, as in 15W", element)};
  } else {
    Numbers numbers;
    parse_element(element, weekday_kind, numbers);
    for (std::size_t day = 0; day <= 7; ++day)
      if (numbers[day]) weekdays_.set(day % 7);
  }
}

bool Days::matches_day(year_month_day date) const {
  const int day = static_cast<int>(static_cast<unsigned>(date.day()));
  if (days_[static_cast<std::size_t>(day)]) return true;
  if (before_last_.none() && workdays_near_.none() && !last_workday_) return false;
  const int last = last_day_of(date);
  if (before_last_[static_cast<std::size_t>(last - day)]) return true;
  if (last_workday_ && day == last_workday_of(date, last)) return true;
  // What a month does not have has no day near it.
  for (int wanted = std::max(1, day - 2); wanted <= std::min(last, day + 2); ++wanted) {
    if (workdays_near_[static_cast<std::size_t>(wanted)] && workday_near(date, wanted, last) == day)
      return true;
  }
  return false;
}

bool Days::matches_weekday(year_month_day date) const {
  const unsigned falls_on = weekday(sys_days(date)).c_encoding();
  if (weekdays_[falls_on]) return true;
  const int day = static_cast<int>(static_cast<unsigned>(date.day()));
  if (nth_.at(static_cast<std::size_t>(day - 1) / 7)[falls_on]) return true;
  return last_weekdays_[falls_on] && day + 7 > last_day_of(date);
}

bool Days::matches(sys_days day) const {
  const year_month_day date(day);
  if (days_given_ && weekdays_given_) return matches_day(date) || matches_weekday(date);
  return matches_day(date) && matches_weekday(date);
}

}  // namespace sluice::schedule
