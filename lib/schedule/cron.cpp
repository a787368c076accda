#include "schedule/cron.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cctype>
#include <charconv>
#include <span>
#include <vector>

namespace sluice::schedule {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::sys_days;

constexpr std::array<std::string_view, 12> month_names{"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> weekday_names{"sun", "mon", "tue", "wed",
                                                        "thu", "fri", "sat"};

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

/// A field's name, bounds and names for its numbers.
struct FieldKind {
  std::string_view name;
  int least;
  int most;
  std::span<const std::string_view> names;
  int names_from = 0;  ///< the number of the first name
};

constexpr std::array<FieldKind, 5> kinds{{{"minute", 0, 59, {}},
                                          {"hour", 0, 23, {}},
                                          {"day of month", 1, 31, {}},
                                          {"month", 1, 12, month_names, 1},
                                          {"day of week", 0, 7, weekday_names, 0}}};

/// What is wrong, without the expression around it.
struct Wrong {
  std::string what;
};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

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

int parse_number(std::string_view text, const FieldKind& kind) {
  const std::string name = lower(text);
  const auto named = std::ranges::find(kind.names, name);
  if (named != kind.names.end())
    return kind.names_from + static_cast<int>(named - kind.names.begin());
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    throw Wrong{fmt::format("{}: \"{}\" is no number", kind.name, text)};
  if (number < kind.least || number > kind.most) {
    throw Wrong{
        fmt::format("{}: {} is not between {} and {}", kind.name, number, kind.least, kind.most)};
  }
  return number;
}

/// Sets the numbers of one element of a list: *, 5, 1-5, */2, 1-5/2.
template <std::size_t N>
void parse_element(std::string_view text, const FieldKind& kind, std::bitset<N>& numbers) {
  const std::vector<std::string_view> parts = split(text, '/');
  if (parts.size() > 2) throw Wrong{fmt::format("{}: \"{}\" has two steps", kind.name, text)};
  int step = 1;
  if (parts.size() == 2) {
    step = parse_number(parts[1], {kind.name, 1, kind.most, {}});
    const bool is_range = parts[0] == "*" || parts[0].find('-') != std::string_view::npos;
    if (!is_range) {
      throw Wrong{fmt::format("{}: a step needs a range: write {}-{}/{}", kind.name, parts[0],
                              kind.most, step)};
    }
  }
  int first = kind.least;
  int last = kind.most;
  if (parts[0] != "*") {
    const std::vector<std::string_view> bounds = split(parts[0], '-');
    if (bounds.size() > 2) throw Wrong{fmt::format("{}: \"{}\" is no range", kind.name, text)};
    first = parse_number(bounds[0], kind);
    last = bounds.size() == 2 ? parse_number(bounds[1], kind) : first;
    // A week may end with Sunday.
    if (kind.most == 7 && bounds.size() == 2 && last == 0) last = 7;
    if (first > last) {
      throw Wrong{fmt::format("{}: {} is behind {}: write {}-{},{}-{}", kind.name, bounds[0],
                              bounds[1], bounds[0], kind.most, kind.least, bounds[1])};
    }
  }
  for (int number = first; number <= last; number += step)
    numbers.set(static_cast<std::size_t>(number));
}

template <std::size_t N>
void parse_field(std::string_view text, const FieldKind& kind, std::bitset<N>& numbers) {
  for (const std::string_view element : split(text, ',')) parse_element(element, kind, numbers);
}

}  // namespace

/// Fills in an expression's fields.
class CronParser {
 public:
  static Cron parse(std::string_view text) {
    const std::vector<std::string_view> fields = words(text);
    if (fields.size() != kinds.size()) {
      throw Wrong{
          fmt::format("it has {} fields and needs five: minute hour day-of-month month "
                      "day-of-week",
                      fields.size())};
    }
    Cron cron;
    std::bitset<8> weekdays;
    parse_field(fields[0], kinds[0], cron.minutes_);
    parse_field(fields[1], kinds[1], cron.hours_);
    parse_field(fields[2], kinds[2], cron.days_);
    parse_field(fields[3], kinds[3], cron.months_);
    parse_field(fields[4], kinds[4], weekdays);
    if (weekdays[7]) weekdays.set(0);
    for (std::size_t day = 0; day < 7; ++day) cron.weekdays_[day] = weekdays[day];
    cron.days_given_ = fields[2].find('*') == std::string_view::npos;
    cron.weekdays_given_ = fields[4].find('*') == std::string_view::npos;
    cron.follows_real_time_ = fields[1].find_first_of("*/") != std::string_view::npos;
    if (!cron.find(LocalMinute{})) throw Wrong{"no day ever matches it"};
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

LocalMinute Cron::next(LocalMinute from) const {
  const std::optional<LocalMinute> found = find(from);
  assert(found);
  return *found;
}

bool Cron::matches_day(sys_days day) const {
  const std::chrono::year_month_day date(day);
  if (!months_[static_cast<unsigned>(date.month())]) return false;
  const bool day_matches = days_[static_cast<unsigned>(date.day())];
  const bool weekday_matches = weekdays_[std::chrono::weekday(day).c_encoding()];
  if (days_given_ && weekdays_given_) return day_matches || weekday_matches;
  return day_matches && weekday_matches;
}

std::optional<LocalMinute> Cron::find(LocalMinute from) const {
  // The 29th of February is eight years away where a century has none; on a given weekday of such a
  // date (both fields with a star) it takes the weekdays' cycle of 28 years, and 40 over a
  // century's end.
  static constexpr days search_max(366 * 41);
  const days first = std::chrono::floor<days>(from.time_since_epoch());
  for (days day = first; day < first + search_max; day += days(1)) {
    if (!matches_day(sys_days(day))) continue;
    const minutes begin = day == first ? from.time_since_epoch() - day : minutes(0);
    for (auto hour = static_cast<std::size_t>(begin / hours(1)); hour < hours_.size(); ++hour) {
      if (!hours_[hour]) continue;
      const minutes at = hours(static_cast<int>(hour));
      auto minute = static_cast<std::size_t>(at < begin ? (begin - at).count() : 0);
      while (minute < minutes_.size() && !minutes_[minute]) ++minute;
      if (minute < minutes_.size())
        return LocalMinute(day + at + minutes(static_cast<int>(minute)));
    }
  }
  return std::nullopt;
}

}  // namespace sluice::schedule
