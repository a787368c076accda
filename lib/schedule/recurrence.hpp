#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>

#include "schedule/cron.hpp"
#include "schedule/time_zone.hpp"

namespace sluice::schedule {

/// The slots of a job: a cron expression in a time zone, or `@every DURATION`, whose slots are the
/// multiples of the duration since 1970-01-01 00:00 UTC (so that all hosts agree on them).
///
/// At a clock change, for a time of the day: one that is skipped is due once, right after the gap;
/// one that comes twice is due the first time. An expression with `*` or a step in its hour follows
/// real time: it is due whenever the wall clock shows a time that matches.
class Recurrence {
 public:
  /// The error is a sentence.
  static std::expected<Recurrence, std::string> parse(const std::string& text, TimeZone zone);

  /// The first slot later than `after`.
  Instant next(Instant after) const;

 private:
  explicit Recurrence(TimeZone zone) : zone_(zone) {}
  Instant next_by_wall_clock(Instant after) const;
  Instant next_in_real_time(Instant after) const;

  std::optional<std::chrono::milliseconds> every_;
  std::optional<Cron> cron_;
  TimeZone zone_;
};

/// "TZ=Europe/Berlin 0 3 * * *", or with CRON_TZ=, in its parts; the zone is empty where none is
/// named.
struct ZonedExpression {
  std::string zone;
  std::string expression;
};
/// The error is a sentence.
std::expected<ZonedExpression, std::string> split_zone(const std::string& text);

/// What a person has written, with or without a time zone in front.
struct Written {
  Recurrence recurrence;
  TimeZone zone;
  std::string expression;  ///< without the zone
  std::string zone_name;
};
/// `zone_name` is what stands elsewhere, at `zone_key`; nowhere: UTC. The error is a sentence.
std::expected<Written, std::string> read_recurrence(const std::string& text,
                                                    const std::optional<std::string>& zone_name,
                                                    const std::string& zone_key);

}  // namespace sluice::schedule
