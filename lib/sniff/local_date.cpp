#include "sniff/local_date.hpp"

#include <array>
#include <cctype>

namespace sluice::sniff {
namespace {

/// Takes a text apart from its beginning.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  char next() const { return at_end() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (next() != c) return false;
    ++at_;
    return true;
  }
  /// A run of digits, at most `most` of them; `size` is how many there were.
  std::optional<int> number(std::size_t most, std::size_t* size = nullptr) {
    int value = 0;
    std::size_t digits = 0;
    while (digits < most && std::isdigit(static_cast<unsigned char>(next())) != 0) {
      value = value * 10 + (text_[at_] - '0');
      ++at_;
      ++digits;
    }
    if (size != nullptr) *size = digits;
    return digits == 0 ? std::nullopt : std::optional(value);
  }
  std::string word() {
    std::string made;
    while (std::isalpha(static_cast<unsigned char>(next())) != 0)
      made += static_cast<char>(std::tolower(static_cast<unsigned char>(text_[at_++])));
    return made;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

std::optional<int> month_named(const std::string& word) {
  static constexpr std::array<std::string_view, 12> names{"jan", "feb", "mar", "apr", "may", "jun",
                                                          "jul", "aug", "sep", "oct", "nov", "dec"};
  for (std::size_t i = 0; i < names.size(); ++i)
    if (word == names[i]) return static_cast<int>(i) + 1;
  return std::nullopt;
}

bool is_month(int value) { return value >= 1 && value <= 12; }

struct DatePart {
  int value = 0;
  std::size_t digits = 0;
};

/// Not 31/02, 29/02 in leap years alone, and no year 0: there is none.
bool is_day_of(int month, int day, const DatePart& year) {
  // 00 is 2000; of the others it does not matter whether they are of the 20th or the 21st century.
  const int whole = year.digits == 2 ? 2000 + year.value : year.value;
  const bool is_leap = whole % 4 == 0 && (whole % 100 != 0 || whole % 400 == 0);
  if (whole == 0 || (month == 2 && day == 29 && !is_leap)) return false;
  static constexpr std::array<int, 12> days{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return is_month(month) && day >= 1 && day <= days[static_cast<std::size_t>(month) - 1];
}

/// A time behind a blank, up to the end.
bool read_time(Reader& in, LocalDate& date) {
  const std::optional<int> hours = in.number(2);
  if (!hours || !in.take(':')) return false;
  std::size_t digits = 0;
  const std::optional<int> minutes = in.number(2, &digits);
  if (!minutes || digits != 2 || *minutes > 59) return false;
  date.time_parts = 2;
  if (in.take(':')) {
    const std::optional<int> seconds = in.number(2, &digits);
    if (!seconds || digits != 2 || *seconds > 59) return false;
    date.time_parts = 3;
    if (in.take('.')) {
      if (!in.number(6)) return false;
      date.has_fraction = true;
    }
  }
  if (in.take(' ')) {
    const std::string half = in.word();
    if (half != "am" && half != "pm") return false;
    date.has_meridiem = true;
  }
  return in.at_end() && (date.has_meridiem ? *hours >= 1 && *hours <= 12 : *hours <= 23);
}

std::uint8_t orders_of(const std::array<DatePart, 3>& parts) {
  const auto& [a, b, c] = parts;
  std::uint8_t orders = 0;
  if (a.digits == 4) {
    if (b.digits <= 2 && c.digits <= 2 && is_day_of(b.value, c.value, a)) orders |= DateOrder::ymd;
    return orders;
  }
  if (a.digits > 2 || b.digits > 2 || (c.digits != 4 && c.digits != 2)) return orders;
  if (is_day_of(b.value, a.value, c)) orders |= DateOrder::dmy;
  if (is_day_of(a.value, b.value, c)) orders |= DateOrder::mdy;
  // 25-12-31
  if (c.digits == 2 && a.digits == 2 && is_day_of(b.value, c.value, a)) orders |= DateOrder::ymd;
  return orders;
}

}  // namespace

std::optional<LocalDate> read_local_date(std::string_view text) {
  static constexpr std::size_t text_min = 6;
  static constexpr std::size_t text_max = 32;
  if (text.size() < text_min || text.size() > text_max) return std::nullopt;
  Reader in(text);
  LocalDate date;
  std::array<DatePart, 3> parts;
  const std::optional<int> first = in.number(4, &parts[0].digits);
  if (!first) return std::nullopt;
  parts[0].value = *first;
  date.separator = in.next();
  if (std::string_view("/.- ").find(date.separator) == std::string_view::npos) return std::nullopt;
  in.take(date.separator);
  if (std::isalpha(static_cast<unsigned char>(in.next())) != 0) {
    const std::optional<int> month = month_named(in.word());
    if (!month) return std::nullopt;
    parts[1].value = *month;
    date.has_month_name = true;
  } else {
    const std::optional<int> second = in.number(2, &parts[1].digits);
    if (!second || date.separator == ' ') return std::nullopt;
    parts[1].value = *second;
  }
  if (!in.take(date.separator)) return std::nullopt;
  const std::optional<int> third = in.number(4, &parts[2].digits);
  if (!third) return std::nullopt;
  parts[2].value = *third;
  if (date.has_month_name) {
    const bool fits = parts[0].digits <= 2 && (parts[2].digits == 4 || parts[2].digits == 2) &&
                      is_day_of(parts[1].value, parts[0].value, parts[2]);
    if (!fits) return std::nullopt;
    date.orders = DateOrder::dmy;
  } else {
    date.orders = orders_of(parts);
    if (date.orders == 0) return std::nullopt;
  }
  date.has_short_year = parts[0].digits != 4 && parts[2].digits != 4;
  if (in.at_end()) return date;
  if (!in.take(' ') || !read_time(in, date)) return std::nullopt;
  return date;
}

std::string format_of(const LocalDate& date) {
  const std::string separator(1, date.separator);
  const std::string year = date.has_short_year ? "YY" : "YYYY";
  const std::string month = date.has_month_name ? "Mon" : "MM";
  std::string format;
  if (date.orders == DateOrder::dmy) format = "DD" + separator + month + separator + year;
  if (date.orders == DateOrder::mdy) format = month + separator + "DD" + separator + year;
  if (date.orders == DateOrder::ymd) format = year + separator + month + separator + "DD";
  if (date.time_parts == 0) return format;
  format += date.has_meridiem ? " HH12:MI" : " HH24:MI";
  if (date.time_parts == 3) format += ":SS";
  if (date.has_fraction) format += ".FF6";
  if (date.has_meridiem) format += " AM";
  return format;
}

}  // namespace sluice::sniff
