#include <gmock/gmock.h>

#include "schedule/recurrence.hpp"

namespace sluice::schedule {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& text) {
  const auto cron = Cron::parse(text);
  return cron ? "" : cron.error();
}

TEST(Cron, TakesWhatCrontabTakes) {
  for (const char* good : {"* * * * *",
                           "0 3 * * *",
                           "*/15 0-6,22-23 1,15 jan-MAR mon-fri",
                           "0 0 29 2 *",
                           "5 4 * * 7",
                           "0 0 31 * 0",
                           "@daily",
                           "@HOURLY",
                           "@yearly",
                           "  0\t3 * *  sun ",
                           "0 0 * * fri-sun",
                           "10-50/20 * * * *",
                           "30 0 3 * * *",
                           "*/10 * * * * *",
                           "0 0 L * *",
                           "0 0 l-3,15w,LW,1 * *",
                           "0 0 * * 5L",
                           "0 0 * * friL,1#1,wed#3,sat",
                           "0 0 ? * mon",
                           "0 0 1 * ?",
                           "0 0 L-30 * *",
                           "0 0 31W * *",
                           "0 0 29W 2 *",
                           "0 0 * 2 1#5"})
    EXPECT_EQ("", error_of(good)) << good;
}

TEST(Cron, SaysWhatIsWrong) {
  const struct {
    const char* text;
    const char* says;
  } cases[] = {
      {"", "0 fields"},
      {"* * * *", "4 fields and needs five"},
      {"0 0 3 * * ? 2026", "7 fields: no year"},
      {"60 0 3 * * *", "second: 60 is not between 0 and 59"},
      {"60 * * * *", "minute: 60 is not between 0 and 59"},
      {"* 24 * * *", "hour: 24"},
      {"* * 0 * *", "day of month: 0"},
      {"* * * foo *", "month: \"foo\" is no number"},
      {"* * * * 8", "day of week: 8"},
      {"5/15 * * * *", "write 5-59/15"},
      {"*/0 * * * *", "minute: 0 is not between 1"},
      {"50-10 * * * *", "write 50-59,0-10"},
      {"1,,2 * * * *", "is no number"},
      {"*/2/3 * * * *", "two steps"},
      {"@reboot", "none of @hourly"},
      {"0 0 31 2 *", "no day ever matches"},
      {"0 0 30 2 *", "no day ever matches"},
      {"0 0 31 4,6,9,11 *", "no day ever matches"},
      {"0 0 L-29 2 *", "no day ever matches"},
      {"0 0 31W 4 *", "no day ever matches"},
      {"0 0 L-0 * *", "L-: 0 is not between 1 and 30"},
      {"0 0 L-31 * *", "L-: 31 is not between 1 and 30"},
      {"0 0 L- * *", "L-: \"\" is no number"},
      {"0 0 L3 * *", "write L, L-3 or LW"},
      {"0 0 L-3W * *", "write L, L-3 or LW"},
      {"0 0 1-L * *", "write L, L-3 or LW"},
      {"0 0 5L * *", "the last Friday is a day of week, 5L"},
      {"0 0 WL * *", "is LW"},
      {"0 0 W * *", "write 15W"},
      {"0 0 W15 * *", "write 15W"},
      {"0 0 0W * *", "0 is not between 1 and 31"},
      {"0 0 32W * *", "32 is not between 1 and 31"},
      {"0 0 1-15W * *", "a W goes with one day"},
      {"0 0 1#2 * *", "a # goes with a day of week"},
      {"0 0 1,? * *", "\"?\" is no number"},
      {"0 0 * * L", "the last Friday of the month is 5L"},
      {"0 0 * * LW", "the last Friday of the month is 5L"},
      {"0 0 * * L5", "write 5L"},
      {"0 0 * * 8L", "8 is not between 0 and 7"},
      {"0 0 * * mon-friL", "go with one day"},
      {"0 0 * * mon-fri#2", "go with one day"},
      {"0 0 * * 1#0", "#: 0 is not between 1 and 5"},
      {"0 0 * * 1#6", "#: 6 is not between 1 and 5"},
      {"0 0 * * 1#", "#: \"\" is no number"},
      {"0 0 * * #2", "day of week: \"\" is no number"},
      {"0 0 * * 1#2#3", "\"2#3\" is no number"},
      {"0 0 * * 5#L", "write 5L for the last one"},
      {"0 0 * * 15W", "a W goes with a day of month"},
      {"L * * * *", "minute: \"L\": L, W and # go with days"},
      {"0 0 * L *", "month: \"L\" is no number"},
      {"0 ? * * *", "hour: a ? stands for any day, and here for nothing: write *"},
  };
  for (const auto& c : cases) EXPECT_THAT(error_of(c.text), HasSubstr(c.says)) << c.text;
}

/// The next `count` slots as text, from a time in UTC.
std::string next(const std::string& expression, const std::string& zone_name,
                 const std::string& from, int count) {
  const auto zone = TimeZone::find(zone_name);
  if (!zone) return zone.error();
  const auto recurrence = Recurrence::parse(expression, *zone);
  if (!recurrence) return recurrence.error();
  Instant at = *TimeZone::find("UTC")->parse(from);
  std::string text;
  for (int i = 0; i < count; ++i) {
    at = recurrence->next(at);
    text += (i > 0 ? " " : "") + zone->format(at);
  }
  return text;
}

TEST(Recurrence, IsLaterThanTheTimeItIsAskedFor) {
  EXPECT_EQ("2026-01-01T03:00:00+00:00", next("0 3 * * *", "UTC", "2026-01-01T02:59:59Z", 1));
  EXPECT_EQ("2026-01-02T03:00:00+00:00", next("0 3 * * *", "UTC", "2026-01-01T03:00:00Z", 1));
  EXPECT_EQ("2026-01-01T00:01:00+00:00", next("* * * * *", "UTC", "2026-01-01T00:00:00Z", 1));
  EXPECT_EQ("2028-02-29T00:00:00+00:00", next("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 1));
  EXPECT_EQ("2104-02-29T00:00:00+00:00", next("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1));
}

TEST(Recurrence, EitherDayWillDoWhereBothAreGiven) {
  EXPECT_EQ("2026-05-01T00:00:00+00:00 2026-05-04T00:00:00+00:00 2026-05-11T00:00:00+00:00",
            next("0 0 1 * mon", "UTC", "2026-04-30T00:00:00Z", 3));
  EXPECT_EQ("2026-06-01T00:00:00+00:00",  // the first Monday whose day is odd, as both have a star
            next("0 0 */2 * mon", "UTC", "2026-05-26T00:00:00Z", 1));
}

TEST(Recurrence, LastDaysAndWeekdays) {
  const auto days = [](const std::string& fields, int count) {
    std::string all = next("0 0 " + fields, "UTC", "2025-12-31T12:00:00Z", count);
    for (std::size_t at = 0; (at = all.find("T00:00:00+00:00", at)) != std::string::npos;)
      all.erase(at, 15);
    return all;
  };
  EXPECT_EQ("2026-01-31 2026-02-28 2026-03-31", days("L * *", 3));
  EXPECT_EQ("2028-02-26 2029-02-25", days("L-3 2 *", 4).substr(22));
  EXPECT_EQ("2026-01-15 2026-02-16 2026-03-16 2026-04-15 2026-05-15", days("15W * *", 5));
  // The 1st of August 2026 is a Saturday, the 31st of May a Sunday: neither leaves its month.
  EXPECT_EQ("2026-08-03 2027-08-02", days("1W 8 *", 2));
  EXPECT_EQ("2026-05-29 2027-05-31", days("31W 5 *", 2));
  EXPECT_EQ("2028-02-29 2032-02-27", days("29W 2 *", 2));
  EXPECT_EQ("2026-01-30 2026-02-27 2026-03-31", days("LW * *", 3));
  EXPECT_EQ("2026-01-30 2026-02-27 2026-03-27", days("* * 5L", 3));
  EXPECT_EQ("2026-01-25 2026-02-22", days("* * 7L", 2));
  EXPECT_EQ("2026-01-12 2026-02-09", days("? * 1#2", 2));
  EXPECT_EQ("2026-03-30 2026-06-29", days("* * mon#5", 2));
  EXPECT_EQ("2026-01-01 2026-01-12 2026-02-01", days("1 * 1#2", 3)) << "either day";
  EXPECT_EQ("2026-01-02 2026-01-05 2026-01-09", days("* * 1#1,fri", 3));
  EXPECT_EQ("2026-01-15 2026-01-31 2026-02-15", days("L,15 * ?", 3));
}

TEST(Recurrence, Seconds) {
  EXPECT_EQ("2026-01-01T00:00:30+00:00 2026-01-01T00:01:30+00:00",
            next("30 * * * * *", "UTC", "2026-01-01T00:00:00Z", 2));
  EXPECT_EQ("2026-01-01T03:00:15+00:00 2026-01-01T03:00:45+00:00 2026-01-02T03:00:15+00:00",
            next("15,45 0 3 * * *", "UTC", "2026-01-01T00:00:59Z", 3));
  EXPECT_EQ("2026-01-01T03:00:45+00:00", next("15,45 0 3 * * *", "UTC", "2026-01-01T03:00:15Z", 1));
  // What is skipped is due once, whatever its seconds, and what comes twice the first time alone.
  EXPECT_EQ("2026-03-29T03:00:00+02:00 2026-03-30T02:59:00+02:00",
            next("*/20 59 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2));
  EXPECT_EQ("2026-10-25T02:59:59+02:00 2026-10-26T02:00:00+01:00",
            next("* * 2 * * *", "Europe/Berlin", "2026-10-25T00:59:58Z", 2));
  EXPECT_EQ("2026-10-26T02:00:00+01:00",
            next("* * 2 * * *", "Europe/Berlin", "2026-10-25T01:30:00Z", 1));
}

TEST(Recurrence, ATimeZoneMayStandInFront) {
  const auto read = [](const std::string& text, const std::optional<std::string>& zone) {
    const auto written = read_recurrence(text, zone, "tz");
    return written ? written->expression + "|" + written->zone_name : written.error();
  };
  EXPECT_EQ("0 3 * * *|UTC", read("0 3 * * *", {}));
  EXPECT_EQ("0 3 * * *|Asia/Tokyo", read("0 3 * * *", "Asia/Tokyo"));
  EXPECT_EQ("0 3 * * *|Asia/Tokyo", read("TZ=Asia/Tokyo 0 3 * * *", {}));
  EXPECT_EQ("@daily|Asia/Tokyo", read(" CRON_TZ=Asia/Tokyo  @daily", {}));
  EXPECT_THAT(read("TZ=Asia/Tokyo 0 3 * * *", "Asia/Tokyo"), HasSubstr("leave one of them out"));
  EXPECT_THAT(read("TZ=Mars/Olympus 0 3 * * *", {}), HasSubstr("is no time zone"));
  EXPECT_THAT(read("TZ= 0 3 * * *", {}), HasSubstr("write a time zone and an expression"));
  EXPECT_THAT(read("CRON_TZ=Asia/Tokyo", {}), HasSubstr("behind CRON_TZ="));
  EXPECT_EQ("0 3 * * *|Asia/Tokyo", read("tz=Asia/Tokyo 0 3 * * *", {}));
}

TEST(Recurrence, EveryIsTheSameOnEveryHost) {
  EXPECT_EQ("2026-01-01T00:00:00+00:00 2026-01-01T00:01:30+00:00",
            next("@every 90s", "UTC", "2025-12-31T23:59:59Z", 2));
  EXPECT_THAT(next("@every 500ms", "UTC", "2026-01-01", 1), HasSubstr("whole seconds"));
  EXPECT_THAT(next("@every soon", "UTC", "2026-01-01", 1), HasSubstr("soon"));
}

TEST(Recurrence, ASkippedTimeIsDueOnceBehindTheGap) {
  // Berlin's clock goes from 2 to 3 on 2026-03-29.
  EXPECT_EQ("2026-03-28T02:30:00+01:00 2026-03-29T03:00:00+02:00 2026-03-30T02:30:00+02:00",
            next("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", 3));
  EXPECT_EQ("2026-03-29T03:00:00+02:00 2026-03-30T02:00:00+02:00",
            next("0,20,40 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2));
  EXPECT_EQ("2026-03-29T03:00:00+02:00 2026-03-30T02:00:00+02:00 2026-03-30T03:00:00+02:00",
            next("0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 3));
}

TEST(Recurrence, ATimeThatComesTwiceIsDueTheFirstTime) {
  EXPECT_EQ("2026-10-25T02:30:00+02:00 2026-10-26T02:30:00+01:00",
            next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2));
  // ... also where it is asked for during the second one.
  EXPECT_EQ("2026-10-26T02:30:00+01:00",
            next("30 2 * * *", "Europe/Berlin", "2026-10-25T01:00:00Z", 1));
}

TEST(Recurrence, StarsAndStepsInTheHourFollowRealTime) {
  EXPECT_EQ("2026-10-25T02:30:00+02:00 2026-10-25T02:30:00+01:00 2026-10-25T03:30:00+01:00",
            next("30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 3));
  EXPECT_EQ("2026-03-29T01:30:00+01:00 2026-03-29T03:30:00+02:00",
            next("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 2));
  EXPECT_EQ("2026-03-29T00:00:00+01:00 2026-03-29T04:00:00+02:00",
            next("0 */2 * * *", "Europe/Berlin", "2026-03-28T22:30:00Z", 2));
}

TEST(Recurrence, UnusualZones) {
  // Lord Howe's clock moves by half an hour.
  EXPECT_EQ("2026-10-04T02:30:00+11:00 2026-10-05T02:15:00+11:00",
            next("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", 2));
  EXPECT_EQ("2026-04-05T01:45:00+11:00 2026-04-06T01:45:00+10:30",
            next("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00Z", 2));
  // Apia left out the 30th of December 2011.
  EXPECT_EQ("2011-12-29T09:00:00-10:00 2011-12-31T00:00:00+14:00 2011-12-31T09:00:00+14:00",
            next("0 9 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", 3));
  // Casablanca goes back for Ramadan.
  EXPECT_EQ("2026-02-15T02:30:00+01:00 2026-02-16T02:30:00+00:00",
            next("30 2 * * *", "Africa/Casablanca", "2026-02-14T12:00:00Z", 2));
}

TEST(TimeZone, ReadsTimes) {
  const TimeZone berlin = *TimeZone::find("Europe/Berlin");
  EXPECT_EQ("2026-03-29T03:00:00+02:00", berlin.format(*berlin.parse("2026-03-29T01:00:00Z")));
  EXPECT_EQ("2026-03-29T03:00:00+02:00", berlin.format(*berlin.parse("2026-03-29 02:30")));
  EXPECT_EQ("2026-07-01T00:00:00+02:00", berlin.format(*berlin.parse("2026-07-01")));
  EXPECT_THAT(berlin.parse("tomorrow").error(), HasSubstr("\"tomorrow\" is no time"));
  EXPECT_THAT(TimeZone::find("Mars/Olympus").error(), HasSubstr("IANA"));
}

}  // namespace
}  // namespace sluice::schedule
