#include "schedule/time_zone.hpp"

#include <fmt/format.h>

#include <sstream>

#include "schedule/zone_rules.hpp"

namespace sluice::schedule {

namespace {

/// One stretch of time without a change of the clock.
date::sys_info always_utc() {
  return {.begin = Instant::min(),
          .end = Instant::max(),
          .offset = std::chrono::seconds(0),
          .save = std::chrono::minutes(0),
          .abbrev = "UTC"};
}

}  // namespace

date::sys_info info_at(const TimeZone& zone, Instant instant) {
  return zone.rules() == nullptr ? always_utc() : zone.rules()->get_info(instant);
}

date::local_info info_at(const TimeZone& zone, date::local_seconds local) {
  if (zone.rules() != nullptr) return zone.rules()->get_info(local);
  return {.result = date::local_info::unique, .first = always_utc(), .second = {}};
}

std::string format_utc(Instant instant) { return date::format("%FT%TZ", instant); }

std::expected<TimeZone, std::string> TimeZone::find(const std::string& name) {
  if (name == "UTC" || name == "Etc/UTC") return TimeZone(nullptr);
  try {
    return TimeZone(date::locate_zone(name));
  } catch (const std::runtime_error&) {
    return std::unexpected(fmt::format(
        "\"{}\" is no time zone of this system: write an IANA name, such as Europe/Berlin, or "
        "install the package tzdata where it is missing",
        name));
  }
}

std::string TimeZone::format(Instant instant) const {
  if (rules_ == nullptr) return date::format("%FT%T+00:00", instant);
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
    const date::local_info info = info_at(*this, local);
    if (info.result == date::local_info::nonexistent) return info.first.end;
    return Instant(local.time_since_epoch() - info.first.offset);
  }
  return std::unexpected(
      fmt::format("\"{}\" is no time; write for example 2026-03-29T01:00:00Z", text));
}

}  // namespace sluice::schedule
