#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "schedule/days.hpp"

namespace sluice::schedule {

/// A second of a calendar without time zone, as a wall clock shows it.
using LocalSecond = std::chrono::time_point<struct LocalClock, std::chrono::seconds>;

/// When something is due, as crontab(5) writes it: five fields (minute, hour, day of month, month,
/// day of week) with names, lists, ranges and steps, or @hourly, @daily, @weekly, @monthly,
/// @yearly. A sixth field in front is the second. The days are those of Days; a `?` is `*` there.
class Cron {
 public:
  /// The error is a sentence that names the text and what is wrong with it. An expression that no
  /// day ever matches (0 0 31 2 *) is an error.
  static std::expected<Cron, std::string> parse(std::string_view text);

  /// The first second that matches, `from` included.
  LocalSecond next(LocalSecond from) const;

  /// The hour is `*` or has a step: such a job is meant to run every so often, and not at a time of
  /// the day.
  bool follows_real_time() const { return follows_real_time_; }

 private:
  friend class CronParser;
  bool matches_day(std::chrono::sys_days day) const;
  std::optional<std::chrono::seconds> time_from(std::chrono::seconds begin) const;
  /// Nothing if no second within the years that any calendar needs matches.
  std::optional<LocalSecond> find(LocalSecond from) const;

  Numbers seconds_;
  Numbers minutes_;
  Numbers hours_;
  Days days_;
  Numbers months_;  ///< from 1
  bool follows_real_time_ = false;
};

}  // namespace sluice::schedule
