#include "schedule/recurrence.hpp"

#include <fmt/format.h>

#include "base/quantity.hpp"
#include "schedule/zone_rules.hpp"

namespace sluice::schedule {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view every_prefix = "@every ";

date::local_seconds to_date(LocalMinute local) {
  return date::local_seconds(seconds(local.time_since_epoch()));
}

/// The first minute that does not begin before this second.
LocalMinute minute_from(std::chrono::seconds since_epoch) {
  return LocalMinute(std::chrono::ceil<minutes>(since_epoch));
}

}  // namespace

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
  LocalMinute local =
      LocalMinute(std::chrono::floor<minutes>(after.time_since_epoch() + now.offset));
  for (;;) {
    local = cron_->next(local);
    const date::local_info info = info_at(zone_, to_date(local));
    const Instant slot = info.result == date::local_info::nonexistent
                             ? info.first.end  // the end of the gap
                             : Instant(local.time_since_epoch() - info.first.offset);
    if (slot > after) return slot;
    local += minutes(1);
  }
}

/// Goes through the stretches of time between two changes of the clock.
Instant Recurrence::next_in_real_time(Instant after) const {
  for (Instant from = after + seconds(1);;) {
    const date::sys_info stretch = info_at(zone_, from);
    const LocalMinute local = cron_->next(minute_from(from.time_since_epoch() + stretch.offset));
    const Instant slot(local.time_since_epoch() - stretch.offset);
    if (slot < stretch.end) return slot;
    from = stretch.end;
  }
}

}  // namespace sluice::schedule
