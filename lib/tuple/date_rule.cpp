#include "tuple/date_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/ascii.hpp"
#include "base/failure.hpp"
#include "tuple/codec.hpp"

namespace sluice::tuple {
namespace {

using Word = DateRule::Word;
using Piece = DateRule::Piece;

bool starts_with(std::string_view text, std::string_view lower_case) {
  return text.size() >= lower_case.size() &&
         std::ranges::equal(text.substr(0, lower_case.size()), lower_case, {}, ascii_lower);
}

struct KnownWord {
  std::string_view name;
  Piece piece;
};
// A word comes in front of those that it begins with.
constexpr std::array<KnownWord, 27> known_words{{
    {"yyyy", {Word::year, 4, true}},
    {"yy", {Word::short_year, 2, true}},
    {"month", {Word::month_name}},
    {"mon", {Word::month_name}},
    {"mm", {Word::month, 2}},
    {"mi", {Word::minute, 2}},
    {"ms", {Word::fraction, 3}},
    {"dd", {Word::day, 2}},
    {"day", {Word::day_name}},
    {"dy", {Word::day_name}},
    {"hh24", {Word::hour, 2}},
    {"hh12", {Word::half_day_hour, 2}},
    {"hh", {Word::half_day_hour, 2}},
    {"ss", {Word::second, 2}},
    {"us", {Word::fraction, 6}},
    {"ff1", {Word::fraction, 1}},
    {"ff2", {Word::fraction, 2}},
    {"ff3", {Word::fraction, 3}},
    {"ff4", {Word::fraction, 4}},
    {"ff5", {Word::fraction, 5}},
    {"ff6", {Word::fraction, 6}},
    {"am", {Word::half_day}},
    {"pm", {Word::half_day}},
    {"tzh", {Word::offset_hours, 2, true}},
    {"tzm", {Word::offset_minutes, 2, true}},
    {"of", {Word::offset}},
    {"a.m.", {Word::half_day}},
}};
constexpr std::string_view listed_words =
    "YYYY, YY, MM, Mon, Month, DD, Dy, Day, HH24, HH12, AM, MI, SS, MS, US, FF1 to FF6, TZH, TZM, "
    "OF, or epoch, epoch_ms alone";

constexpr std::array<std::string_view, 12> month_names{
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};
constexpr std::array<std::string_view, 7> day_names{"monday", "tuesday",  "wednesday", "thursday",
                                                    "friday", "saturday", "sunday"};

Failure wrong(const std::string& format, const std::string& why) {
  return Failure(FailureKind::usage, "--date-format: \"" + format + "\" " + why);
}

/// The piece at the beginning of what is left of a format, which is taken from it.
Piece take_piece(const std::string& format, std::string_view& rest) {
  for (const auto& [name, piece] : known_words) {
    if (!starts_with(rest, name)) continue;
    rest.remove_prefix(name.size());
    return piece;
  }
  const char c = rest.front();
  if (is_ascii_letter(c) || is_digit(c)) {
    throw wrong(format, fmt::format("has \"{}\", which is none of to_timestamp's words that are "
                                    "known here: {}\n  What stands for itself is written in double "
                                    "quotes: YYYY-MM-DD\"T\"HH24:MI",
                                    c, listed_words));
  }
  rest.remove_prefix(1);
  return {.word = Word::literal, .literal = c};
}

void require_sense(const DateRule& rule) {
  const std::string& format = rule.format;
  for (const Piece& piece : rule.pieces) {
    if (piece.word == Word::literal) continue;
    if (std::ranges::count(rule.pieces, piece.word, &Piece::word) > 1)
      throw wrong(format, "says the same thing twice");
  }
  const auto excludes = [&](Word one, Word other, const std::string& why) {
    if (rule.has(one) && rule.has(other)) throw wrong(format, why);
  };
  const auto needs = [&](Word one, bool other, const std::string& why) {
    if (rule.has(one) && !other) throw wrong(format, why);
  };
  excludes(Word::year, Word::short_year, "has two years");
  excludes(Word::month, Word::month_name, "has two months");
  excludes(Word::hour, Word::half_day_hour, "has two hours");
  excludes(Word::hour, Word::half_day, "has HH24 and AM: write HH12 and AM, or HH24 alone");
  excludes(Word::offset, Word::offset_hours, "has two offsets");
  needs(Word::half_day_hour, rule.has(Word::half_day),
        "has HH12, but no AM: write HH24, or AM too");
  needs(Word::half_day, rule.has(Word::half_day_hour), "has AM, but no HH12");
  needs(Word::minute, rule.has_time(), "has MI, but no hour");
  needs(Word::second, rule.has(Word::minute), "has SS, but no MI");
  needs(Word::fraction, rule.has(Word::second), "has parts of a second, but no SS");
  needs(Word::offset_minutes, rule.has(Word::offset_hours), "has TZM, but no TZH");
  const bool has_month = rule.has(Word::month) || rule.has(Word::month_name);
  needs(Word::day, has_month, "has DD, but no month");
  if (has_month && !rule.has_date()) throw wrong(format, "has a month, but no year");
  if (!rule.has_date() && !rule.has_time()) throw wrong(format, "has neither YYYY nor HH24");
}

/// Where a word stands in a format; those that it has not stand at its end.
std::size_t place_of(const DateRule& rule, Word word) {
  const auto found = std::ranges::find(rule.pieces, word, &Piece::word);
  return static_cast<std::size_t>(found - rule.pieces.begin());
}

/// From the largest to the smallest, where a year or an hour comes first.
bool iso_means_itself(const DateRule& rule) {
  const std::size_t year = std::min(place_of(rule, Word::year), place_of(rule, Word::short_year));
  const std::size_t day = place_of(rule, Word::day);
  const std::size_t month = std::min(place_of(rule, Word::month), place_of(rule, Word::month_name));
  const bool date = !(year < day) || month <= day;
  const std::size_t hour = place_of(rule, Word::hour);
  const std::size_t minute = place_of(rule, Word::minute);
  const bool has_hour = hour < rule.pieces.size();
  return date && (!has_hour || (hour <= minute && minute <= place_of(rule, Word::second)));
}

/// What was read.
struct Moment {
  int year = 1;
  unsigned month = 1;
  unsigned day = 1;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  unsigned microsecond = 0;
  bool is_afternoon = false;
  bool has_offset = false;
  char offset_sign = '+';
  unsigned offset_hours = 0;
  unsigned offset_minutes = 0;
};

/// Digits at the beginning of a text: at least one, or exactly so many.
std::optional<unsigned> take_number(std::string_view& text, std::size_t digits_max, bool exact) {
  std::size_t size = 0;
  unsigned number = 0;
  while (size < digits_max && size < text.size() && is_digit(text[size]))
    number = number * 10 + static_cast<unsigned>(text[size++] - '0');
  if (size == 0 || (exact && size != digits_max)) return std::nullopt;
  text.remove_prefix(size);
  return number;
}

/// The place of a name at the beginning of a text, in full or its first three letters.
template <std::size_t n>
std::optional<unsigned> take_name(std::string_view& text,
                                  const std::array<std::string_view, n>& names) {
  for (std::size_t i = 0; i < n; ++i) {
    for (const std::string_view name : {names[i], names[i].substr(0, 3)}) {
      if (!starts_with(text, name)) continue;
      if (text.size() > name.size() && is_ascii_letter(text[name.size()])) continue;
      text.remove_prefix(name.size());
      return static_cast<unsigned>(i);
    }
  }
  return std::nullopt;
}

bool take_half_day(std::string_view& text, Moment& moment) {
  for (const auto& [name, is_afternoon] :
       {std::pair{std::string_view("am"), false}, std::pair{std::string_view("pm"), true},
        std::pair{std::string_view("a.m."), false}, std::pair{std::string_view("p.m."), true}}) {
    if (!starts_with(text, name)) continue;
    text.remove_prefix(name.size());
    moment.is_afternoon = is_afternoon;
    return true;
  }
  return false;
}

bool take_fraction(std::string_view& text, std::size_t digits_max, Moment& moment) {
  const std::size_t before = text.size();
  const auto number = take_number(text, digits_max, false);
  if (!number) return false;
  moment.microsecond = *number;
  for (std::size_t digits = before - text.size(); digits < 6; ++digits) moment.microsecond *= 10;
  return true;
}

bool take_offset_hours(std::string_view& text, Moment& moment) {
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return false;
  moment.offset_sign = text.front();
  text.remove_prefix(1);
  const auto hours = take_number(text, 2, true);
  moment.offset_hours = hours.value_or(0);
  moment.has_offset = true;
  return hours && *hours <= 15;
}

bool take_offset(std::string_view& text, Moment& moment) {
  if (!take_offset_hours(text, moment)) return false;
  if (text.starts_with(':')) text.remove_prefix(1);
  if (text.empty() || !is_digit(text.front())) return true;
  const auto minutes = take_number(text, 2, true);
  moment.offset_minutes = minutes.value_or(0);
  return minutes.has_value();
}

bool take_literal(std::string_view& text, char literal) {
  if (text.empty() || text.front() != literal) return false;
  do {
    text.remove_prefix(1);
  } while (literal == ' ' && text.starts_with(' '));
  return true;
}

/// What a piece stands for, at the beginning of a text from which it is taken.
bool take(const Piece& piece, std::string_view& text, Moment& m) {
  const auto number = [&](unsigned& to) {
    const auto taken = take_number(text, piece.digits_max, piece.is_exact);
    to = taken.value_or(to);
    return taken.has_value();
  };
  unsigned year = 0;
  std::optional<unsigned> name;
  switch (piece.word) {
    case Word::year:
      if (!number(year)) return false;
      m.year = static_cast<int>(year);
      return true;
    case Word::short_year:
      if (!number(year)) return false;
      // As to_timestamp: what is nearest to 2020.
      m.year = static_cast<int>(year < 70 ? 2000 + year : 1900 + year);
      return true;
    case Word::month: return number(m.month);
    case Word::month_name:
      name = take_name(text, month_names);
      m.month = name.value_or(0) + 1;
      return name.has_value();
    case Word::day: return number(m.day);
    case Word::day_name: return take_name(text, day_names).has_value();
    case Word::hour: return number(m.hour) && m.hour <= 23;
    case Word::half_day_hour: return number(m.hour) && m.hour >= 1 && m.hour <= 12;
    case Word::half_day: return take_half_day(text, m);
    case Word::minute: return number(m.minute) && m.minute <= 59;
    case Word::second: return number(m.second) && m.second <= 59;
    case Word::fraction: return take_fraction(text, piece.digits_max, m);
    case Word::offset_hours: return take_offset_hours(text, m);
    case Word::offset_minutes: return number(m.offset_minutes) && m.offset_minutes <= 59;
    case Word::offset: return take_offset(text, m) && m.offset_minutes <= 59;
    case Word::literal: return take_literal(text, piece.literal);
  }
  return false;
}

bool is_there(const Moment& m) {
  const std::chrono::year_month_day date{std::chrono::year(m.year), std::chrono::month(m.month),
                                         std::chrono::day(m.day)};
  return m.year >= 1 && m.year <= 9999 && date.ok();
}

std::optional<Moment> read(const std::vector<Piece>& pieces, std::string_view text, bool has_half) {
  Moment m;
  for (const Piece& piece : pieces)
    if (!take(piece, text, m)) return std::nullopt;
  if (!text.empty() || !is_there(m)) return std::nullopt;
  if (has_half) m.hour = m.hour % 12 + (m.is_afternoon ? 12 : 0);
  return m;
}

/// Seconds since 1970 in UTC, or thousandths of them.
std::optional<Moment> read_epoch(std::string_view text, bool in_milliseconds) {
  const bool is_negative = text.starts_with('-');
  if (is_negative || text.starts_with('+')) text.remove_prefix(1);
  std::int64_t units = 0;
  std::size_t size = 0;
  for (; size < text.size() && size < 15 && is_digit(text[size]); ++size)
    units = units * 10 + (text[size] - '0');
  if (size == 0) return std::nullopt;
  text.remove_prefix(size);
  std::int64_t unit = in_milliseconds ? 1000 : 1'000'000;
  std::int64_t microseconds = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (text.empty()) return std::nullopt;
    for (std::int64_t part = unit / 10; part > 0 && !text.empty() && is_digit(text.front());
         part /= 10) {
      microseconds += part * (text.front() - '0');
      text.remove_prefix(1);
    }
  }
  static constexpr std::int64_t seconds_max = 400'000'000'000;  // far behind the year 9999
  if (!text.empty() || units > seconds_max * (in_milliseconds ? 1000 : 1)) return std::nullopt;
  microseconds += units * unit;
  const std::chrono::sys_time<std::chrono::microseconds> time{
      std::chrono::microseconds(is_negative ? -microseconds : microseconds)};
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss clock(time - midnight);
  Moment m{.year = static_cast<int>(date.year()),
           .month = static_cast<unsigned>(date.month()),
           .day = static_cast<unsigned>(date.day()),
           .hour = static_cast<unsigned>(clock.hours().count()),
           .minute = static_cast<unsigned>(clock.minutes().count()),
           .second = static_cast<unsigned>(clock.seconds().count()),
           .microsecond = static_cast<unsigned>(clock.subseconds().count()),
           .has_offset = true};
  return is_there(m) ? std::optional(m) : std::nullopt;
}

/// With zeros in front, and a character behind them.
template <int width>
char* write_digits(unsigned number, char* out, char behind) {
  for (char* at = out + width; at != out; number /= 10)
    *--at = static_cast<char>('0' + number % 10);
  out[width] = behind;
  return out + width + 1;
}

/// Writes a character behind its end, as each of these does: there is room.
char* write_time(const Moment& m, char* out) {
  out = write_digits<2>(m.hour, out, ':');
  out = write_digits<2>(m.minute, out, ':');
  out = write_digits<2>(m.second, out, '.');
  return m.microsecond == 0 ? out - 1 : write_digits<6>(m.microsecond, out, '\0') - 1;
}

/// In ISO 8601, which means the same whatever DateStyle says.
char* write(const Moment& m, DateRule::Form form, char* out) {
  using Form = DateRule::Form;
  if (form == Form::time) return write_time(m, out);
  out = write_digits<4>(static_cast<unsigned>(m.year), out, '-');
  out = write_digits<2>(m.month, out, '-');
  out = write_digits<2>(m.day, out, ' ');
  if (form == Form::date) return out - 1;
  out = write_time(m, out);
  if (form != Form::timestamptz || !m.has_offset) return out;
  *out++ = m.offset_sign;
  out = write_digits<2>(m.offset_hours, out, ':');
  return write_digits<2>(m.offset_minutes, out, '\0') - 1;
}

/// Whether all servers read a text as ISO 8601 has it.
bool is_iso(std::string_view text, DateRule::Form form) {
  using Form = DateRule::Form;
  std::array<char, 2 * codec_slack> bytes{};
  switch (form) {
    case Form::time: return codecs::time(text.data(), text.size(), bytes.data()) != nullptr;
    case Form::date:
    case Form::timestamp:
      return codecs::timestamp(text.data(), text.size(), bytes.data()) != nullptr;
    case Form::timestamptz:
      return codecs::timestamptz_in_utc(text.data(), text.size(), bytes.data()) != nullptr;
  }
  return false;
}

}  // namespace

bool DateRule::has(Word word) const {
  return std::ranges::find(pieces, word, &Piece::word) != pieces.end();
}

Rewriting DateRule::rewrite(std::string_view text, char* out) const {
  using Kind = Rewriting::Kind;
  text = without_white_space(text);
  // infinity, today: these have no order.
  if (std::ranges::none_of(text, is_digit)) return {};
  const std::optional<Moment> moment = epoch == Epoch::none
                                           ? read(pieces, text, has(Word::half_day))
                                           : read_epoch(text, epoch == Epoch::milliseconds);
  if (!moment) return {iso_means_itself && is_iso(text, form) ? Kind::as_is : Kind::refused};
  const char* const end = write(*moment, form, out);
  return {Kind::rewritten, {out, static_cast<std::size_t>(end - out)}};
}

std::string DateRule::why_refused() const { return "does not fit --date-format '" + format + "'"; }

DateRule date_rule_of(const std::string& format) {
  DateRule rule;
  rule.format = format;
  if (format == "epoch" || format == "epoch_ms") {
    rule.epoch = format == "epoch" ? DateRule::Epoch::seconds : DateRule::Epoch::milliseconds;
    return rule;
  }
  if (format.empty()) throw wrong(format, "is empty");
  bool is_quoted = false;
  for (std::string_view rest = format; !rest.empty();) {
    if (rest.front() == '"') {
      is_quoted = !is_quoted;
      rest.remove_prefix(1);
    } else if (is_quoted) {
      rule.pieces.push_back({.word = Word::literal, .literal = rest.front()});
      rest.remove_prefix(1);
    } else {
      rule.pieces.push_back(take_piece(format, rest));
    }
  }
  if (is_quoted) throw wrong(format, "has a double quote that is not closed");
  for (std::size_t i = 0; i + 1 < rule.pieces.size(); ++i) {
    Piece& piece = rule.pieces[i];
    Piece& next = rule.pieces[i + 1];
    const bool is_number = next.digits_max > 0 && next.word != Word::offset_hours;
    const bool is_digit_literal = next.word == Word::literal && is_digit(next.literal);
    if (is_number && piece.digits_max > 0) next.is_exact = true;
    if (is_number || is_digit_literal) piece.is_exact = true;
  }
  require_sense(rule);
  rule.iso_means_itself = iso_means_itself(rule);
  return rule;
}

std::optional<DateRule::Form> date_form_of(const Type& type) {
  switch (type.id) {
    case oid::date: return DateRule::Form::date;
    case oid::time: return DateRule::Form::time;
    case oid::timestamp: return DateRule::Form::timestamp;
    case oid::timestamptz: return DateRule::Form::timestamptz;
    default: return std::nullopt;
  }
}

}  // namespace sluice::tuple
