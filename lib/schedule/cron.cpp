#include "schedule/cron.hpp"

#include <fmt/format.h>

#include <array>
#include <cassert>
#include <vector>

#include "schedule/field.hpp"

namespace sluice::schedule {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;

constexpr std::array<std::string_view, 12> month_names{"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};

struct Macro {
  std::string_view name;
  std::string_view fields;
};
constexpr std::array<Macro, 7> macros{{{"@yearly", "0 0 1 1 *"},
                                       {"@annually", "0 0 1 1 *"},
                                       {"@monthly", "0 0 1 * *"},
                                       {"@weekly", "0 0 * * 0"},
                                       {"@daily", "0 0 * * *"},
                                       {"@midnight", "0 0 * * *"},
                                       {"@hourly", "0 * * * *"}}};

constexpr FieldKind second_kind{"second", 0, 59, {}};
constexpr FieldKind minute_kind{"minute", 0, 59, {}};
constexpr FieldKind hour_kind{"hour", 0, 23, {}};
constexpr FieldKind month_kind{"month", 1, 12, month_names, 1};

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  constexpr std::string_view blanks = " \t";
  for (;;) {
    const std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return found;
    text.remove_prefix(begin);
    const std::string_view word = text.substr(0, text.find_first_of(blanks));
    found.push_back(word);
    text.remove_prefix(word.size());
  }
}

/// With a second in front: one of five has second 0.
std::vector<std::string_view> six_fields(std::string_view text) {
  std::vector<std::string_view> fields = words(text);
  if (fields.size() == 5) fields.insert(fields.begin(), "0");
  if (fields.size() == 6) return fields;
  if (fields.size() == 7) {
    throw Wrong{
        "it has 7 fields: no year can be given; write second minute hour day-of-month month "
        "day-of-week"};
  }
  throw Wrong{
      fmt::format("it has {} fields and needs five: minute hour day-of-month month day-of-week; or "
                  "six, with the second in front",
                  fields.size())};
}

/// A field of a day that says nothing.
std::string_view without_question(std::string_view field) { return field == "?" ? "*" : field; }

Numbers time_field(std::string_view text, const FieldKind& kind) {
  if (text == "?") {
    throw Wrong{
        fmt::format("{}: a ? stands for any day, and here for nothing: write *", kind.name)};
  }
  const std::string marks = lower(text);
  // Months have an l in their names.
  if (kind.names.empty() && marks.find_first_of("lw#") != std::string::npos) {
    throw Wrong{fmt::format("{}: \"{}\": L, W and # go with days", kind.name, text)};
  }
  return parse_field(text, kind);
}

}  // namespace

/// Fills in an expression's fields.
class CronParser {
 public:
  static Cron parse(std::string_view text) {
    const std::vector<std::string_view> fields = six_fields(text);
    Cron cron;
    cron.seconds_ = time_field(fields[0], second_kind);
    cron.minutes_ = time_field(fields[1], minute_kind);
    cron.hours_ = time_field(fields[2], hour_kind);
    cron.days_ = Days(without_question(fields[3]), without_question(fields[5]));
    cron.months_ = time_field(fields[4], month_kind);
    cron.follows_real_time_ = fields[2].find_first_of("*/") != std::string_view::npos;
    if (!cron.find(LocalSecond{})) throw Wrong{"no day ever matches it"};
    return cron;
  }
};

std::expected<Cron, std::string> Cron::parse(std::string_view text) {
  std::string_view fields = text;
  const std::string name = lower(text);
  for (const Macro& macro : macros)
    if (macro.name == name) fields = macro.fields;
  try {
    if (fields.starts_with('@')) {
      throw Wrong{"it is none of @hourly, @daily, @weekly, @monthly, @yearly and @every DURATION"};
    }
    return CronParser::parse(fields);
  } catch (const Wrong& wrong) {
    return std::unexpected(fmt::format("\"{}\": {}", text, wrong.what));
  }
}

LocalSecond Cron::next(LocalSecond from) const {
  const std::optional<LocalSecond> found = find(from);
  assert(found);
  return *found;
}

bool Cron::matches_day(sys_days day) const {
  const std::chrono::year_month_day date(day);
  return months_[static_cast<unsigned>(date.month())] && days_.matches(day);
}

/// The first time of a day that matches and is not earlier.
std::optional<seconds> Cron::time_from(seconds begin) const {
  const auto first = [begin](seconds at, seconds unit) {
    return static_cast<std::size_t>(at < begin ? (begin - at) / unit : 0);
  };
  for (std::size_t hour = first(seconds(0), hours(1)); hour < 24; ++hour) {
    if (!hours_[hour]) continue;
    const seconds at_hour = hours(hour);
    for (std::size_t minute = first(at_hour, minutes(1)); minute < 60; ++minute) {
      if (!minutes_[minute]) continue;
      const seconds at_minute = at_hour + minutes(minute);
      for (std::size_t second = first(at_minute, seconds(1)); second < 60; ++second)
        if (seconds_[second]) return at_minute + seconds(second);
    }
  }
  return std::nullopt;
}

std::optional<LocalSecond> Cron::find(LocalSecond from) const {
  // The 29th of February is eight years away where a century has none; on a given weekday of such a
  // date (both fields with a star) it takes the weekdays' cycle of 28 years, and 40 over a
  // century's end.
  static constexpr days search_max(366 * 41);
  const days first = std::chrono::floor<days>(from.time_since_epoch());
  for (days day = first; day < first + search_max; day += days(1)) {
    if (!matches_day(sys_days(day))) continue;
    const auto time = time_from(day == first ? from.time_since_epoch() - day : seconds(0));
    if (time) return LocalSecond(day + *time);
  }
  return std::nullopt;
}

}  // namespace sluice::schedule
