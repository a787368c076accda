#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::schedule {

/// A minute of a calendar without time zone, as a wall clock shows it.
using LocalMinute = std::chrono::time_point<struct LocalClock, std::chrono::minutes>;

/// When something is due, as crontab(5) writes it: five fields (minute, hour, day of month, month,
/// day of week) with names, lists, ranges and steps, or @hourly, @daily, @weekly, @monthly,
/// @yearly.
///
/// Where day of month and day of week are both given, a day that matches either is due; a field
/// with a
/// `*` in it gives nothing, as in crontab(5).
class Cron {
 public:
  /// The error is a sentence that names the text and what is wrong with it. An expression that no
  /// day ever matches (0 0 31 2 *) is an error.
  static std::expected<Cron, std::string> parse(std::string_view text);

  /// The first minute that matches, `from` included.
  LocalMinute next(LocalMinute from) const;

  /// The hour is `*` or has a step: such a job is meant to run every so often, and not at a time of
  /// the day.
  bool follows_real_time() const { return follows_real_time_; }

 private:
  friend class CronParser;
  bool matches_day(std::chrono::sys_days day) const;
  /// Nothing if no minute within the years that any calendar needs matches.
  std::optional<LocalMinute> find(LocalMinute from) const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;     ///< from 1
  std::bitset<13> months_;   ///< from 1
  std::bitset<7> weekdays_;  ///< from 0, Sunday
  bool days_given_ = false;
  bool weekdays_given_ = false;
  bool follows_real_time_ = false;
};

}  // namespace sluice::schedule
