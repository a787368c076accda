#pragma once

#include <chrono>
#include <expected>
#include <string>

namespace date {
class time_zone;
}

namespace sluice::schedule {

/// An instant; a slot of a job is one.
using Instant = std::chrono::sys_seconds;

/// Calendars are not asked about later ones: their years have an end.
inline constexpr Instant last_instant =
    std::chrono::sys_days(std::chrono::year(10000) / 1 / 1) - std::chrono::seconds(1);

/// "2026-03-29T01:00:00Z"
std::string format_utc(Instant instant);

/// A time zone of the system's database (IANA).
class TimeZone {
 public:
  /// The error is a sentence.
  static std::expected<TimeZone, std::string> find(const std::string& name);

  /// "2026-03-29T03:00:00+02:00"
  std::string format(Instant instant) const;

  /// "2026-03-29T01:00:00Z", or a time of this zone: "2026-03-29 03:00", the first where it comes
  /// twice, the end of the gap where it is skipped. The error is a sentence.
  std::expected<Instant, std::string> parse(const std::string& text) const;

  /// Nothing: UTC (see zone_rules.hpp).
  const date::time_zone* rules() const { return rules_; }

 private:
  explicit TimeZone(const date::time_zone* rules) : rules_(rules) {}

  const date::time_zone* rules_;  ///< lives as long as the process
};

}  // namespace sluice::schedule
