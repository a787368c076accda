#include "schedule/time_zone.hpp"

#include <date/tz.h>
#include <fmt/format.h>

#include <sstream>

namespace sluice::schedule {

std::string format_utc(Instant instant) { return date::format("%FT%TZ", instant); }

std::expected<TimeZone, std::string> TimeZone::find(const std::string& name) {
  try {
    return TimeZone(*date::locate_zone(name));
  } catch (const std::runtime_error&) {
    return std::unexpected(fmt::format(
        "\"{}\" is no time zone of this system: write an IANA name, such as Europe/Berlin", name));
  }
}

std::string TimeZone::format(Instant instant) const {
  return date::format("%FT%T%Ez", date::zoned_time(rules_, instant));
}

std::expected<Instant, std::string> TimeZone::parse(const std::string& text) const {
  for (const char* pattern : {"%FT%TZ", "%F %TZ"}) {
    std::istringstream in(text);
    Instant instant;
    in >> date::parse(pattern, instant);
    if (!in.fail() && in.peek() == std::istringstream::traits_type::eof()) return instant;
  }
  for (const char* pattern : {"%FT%T", "%F %T", "%FT%R", "%F %R", "%F"}) {
    std::istringstream in(text);
    date::local_seconds local;
    in >> date::parse(pattern, local);
    if (in.fail() || in.peek() != std::istringstream::traits_type::eof()) continue;
    const date::local_info info = rules_->get_info(local);
    if (info.result == date::local_info::nonexistent) return info.first.end;
    return Instant(local.time_since_epoch() - info.first.offset);
  }
  return std::unexpected(
      fmt::format("\"{}\" is no time; write for example 2026-03-29T01:00:00Z", text));
}

}  // namespace sluice::schedule
