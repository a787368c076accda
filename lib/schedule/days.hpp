#pragma once

#include <array>
#include <bitset>
#include <chrono>
#include <string_view>

#include "schedule/field.hpp"

namespace sluice::schedule {

/// The days of a calendar that two fields mean, day of month and day of week. Besides what
/// crontab(5) has they may say, as Quartz writes it:
///   L, L-3   the last day of the month, the third before it
///   15W, LW  the weekday (Monday to Friday) that is nearest to the 15th in its month; the last one
///   5L       the last Friday of the month
///   1#2      the second Monday of the month
/// Days of the week are numbered as in crontab(5): 0 and 7 are Sunday.
class Days {
 public:
  Days() = default;
  /// Throws Wrong.
  Days(std::string_view days_field, std::string_view weekdays_field);

  /// Where both fields are given, a day that matches either will do; one with a `*` in it gives
  /// nothing, as in crontab(5).
  bool matches(std::chrono::sys_days day) const;

 private:
  void add_day(std::string_view element);
  void add_weekday(std::string_view element);
  bool matches_day(std::chrono::year_month_day date) const;
  bool matches_weekday(std::chrono::year_month_day date) const;

  Numbers days_;                   ///< from 1
  std::bitset<31> before_last_;    ///< by how much: 0 is the last day
  std::bitset<32> workdays_near_;  ///< from 1
  bool last_workday_ = false;
  std::bitset<7> weekdays_;              ///< from 0, Sunday
  std::bitset<7> last_weekdays_;         ///< ... of the month
  std::array<std::bitset<7>, 5> nth_{};  ///< the first, second ... of the month
  bool days_given_ = false;
  bool weekdays_given_ = false;
};

}  // namespace sluice::schedule
