#pragma once

#include <date/tz.h>

#include "schedule/time_zone.hpp"

namespace sluice::schedule {

/// What a zone's clocks show at an instant, and which instants a local time is. UTC needs no rules,
/// so it is there where the system has none (a minimal container).
date::sys_info info_at(const TimeZone& zone, Instant instant);
date::local_info info_at(const TimeZone& zone, date::local_seconds local);

}  // namespace sluice::schedule
