#include "schedule/recurrence.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/quantity.hpp"
#include "schedule/zone_rules.hpp"

namespace sluice::schedule {
namespace {

using std::chrono::seconds;

constexpr std::string_view every_prefix = "@every ";

constexpr std::string_view blanks = " \t";

date::local_seconds to_date(LocalSecond local) {
  return date::local_seconds(local.time_since_epoch());
}

}  // namespace

std::expected<ZonedExpression, std::string> split_zone(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  const std::string_view given =
      begin == std::string::npos ? std::string_view() : std::string_view(text).substr(begin);
  for (const std::string_view name : {"CRON_TZ=", "TZ="}) {
    if (!lower(given).starts_with(lower(name))) continue;
    const std::size_t end = std::min(given.find_first_of(blanks), given.size());
    const std::string_view zone = given.substr(name.size(), end - name.size());
    const std::size_t behind = given.find_first_not_of(blanks, end);
    if (zone.empty() || behind == std::string_view::npos) {
      return std::unexpected(fmt::format(
          "\"{}\": write a time zone and an expression behind {}, as in {}Europe/Berlin 0 3 * * *",
          text, name, name));
    }
    return ZonedExpression{std::string(zone), std::string(given.substr(behind))};
  }
  return ZonedExpression{"", text};
}

std::expected<Written, std::string> read_recurrence(const std::string& text,
                                                    const std::optional<std::string>& zone_name,
                                                    const std::string& zone_key) {
  const auto split = split_zone(text);
  if (!split) return std::unexpected(split.error());
  if (!split->zone.empty() && zone_name) {
    return std::unexpected(fmt::format(
        "\"{}\" names its time zone, and so does {}: leave one of them out", text, zone_key));
  }
  const std::string name = split->zone.empty() ? zone_name.value_or("UTC") : split->zone;
  const auto zone = TimeZone::find(name);
  if (!zone) return std::unexpected(zone.error());
  auto recurrence = Recurrence::parse(split->expression, *zone);
  if (!recurrence) return std::unexpected(recurrence.error());
  return Written{std::move(*recurrence), *zone, split->expression, name};
}

std::expected<Recurrence, std::string> Recurrence::parse(const std::string& text, TimeZone zone) {
  Recurrence recurrence(zone);
  if (text.starts_with(every_prefix)) {
    const auto duration = parse_duration(std::string_view(text).substr(every_prefix.size()));
    if (!duration) return std::unexpected(duration.error());
    if (*duration < seconds(1) || *duration % seconds(1) != seconds(0))
      return std::unexpected(fmt::format("\"{}\": write whole seconds, one at least", text));
    recurrence.every_ = *duration;
    return recurrence;
  }
  auto cron = Cron::parse(text);
  if (!cron) return std::unexpected(cron.error());
  recurrence.cron_ = *cron;
  return recurrence;
}

Instant Recurrence::next(Instant after) const {
  if (every_) {
    const auto period = std::chrono::duration_cast<seconds>(*every_);
    const auto since = after.time_since_epoch();
    const auto behind = (since % period + period) % period;
    return Instant(since - behind + period);
  }
  return cron_->follows_real_time() ? next_in_real_time(after) : next_by_wall_clock(after);
}

/// Wall-clock times in their order have instants in their order, so the first one that is late
/// enough will do.
Instant Recurrence::next_by_wall_clock(Instant after) const {
  const date::sys_info now = info_at(zone_, after);
  LocalSecond local(after.time_since_epoch() + now.offset);
  for (;;) {
    local = cron_->next(local);
    const date::local_info info = info_at(zone_, to_date(local));
    const Instant slot = info.result == date::local_info::nonexistent
                             ? info.first.end  // the end of the gap
                             : Instant(local.time_since_epoch() - info.first.offset);
    if (slot > after) return slot;
    local += seconds(1);
    // All that comes twice, or is skipped, is over.
    if (info.result == date::local_info::ambiguous && after >= info.first.end)
      local = std::max(local, LocalSecond(info.first.end.time_since_epoch() + info.first.offset));
    if (info.result == date::local_info::nonexistent)
      local = std::max(local, LocalSecond(slot.time_since_epoch() + info.second.offset));
  }
}

/// Goes through the stretches of time between two changes of the clock.
Instant Recurrence::next_in_real_time(Instant after) const {
  for (Instant from = after + seconds(1);;) {
    const date::sys_info stretch = info_at(zone_, from);
    const LocalSecond local = cron_->next(LocalSecond(from.time_since_epoch() + stretch.offset));
    const Instant slot(local.time_since_epoch() - stretch.offset);
    if (slot < stretch.end) return slot;
    from = stretch.end;
  }
}

}  // namespace sluice::schedule
