#include "base/quantity.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

TEST(Quantity, ReadsSizes) {
  EXPECT_EQ(8388608U, parse_bytes("8MiB"));
  EXPECT_EQ(8388608U, parse_bytes("8 m"));
  EXPECT_EQ(50000000U, parse_bytes("50MB"));
  EXPECT_EQ(512U * 1024, parse_bytes("512K"));
  EXPECT_EQ(1536U, parse_bytes("1.5KiB"));
  EXPECT_EQ(7U, parse_bytes("7"));
}

TEST(Quantity, RefusesWhatIsNoSize) {
  for (const char* text : {"", "MiB", "8Q", "-1", "1e30TB", "8 MiB x", "inf", "nan"}) {
    const auto size = parse_bytes(text);
    ASSERT_FALSE(size) << text;
    EXPECT_NE(std::string::npos, size.error().find("write for example")) << text;
  }
}

TEST(Quantity, ReadsDurations) {
  EXPECT_EQ(500ms, parse_duration("500ms"));
  EXPECT_EQ(30s, parse_duration("30s"));
  EXPECT_EQ(30s, parse_duration("30"));
  EXPECT_EQ(5min, parse_duration("5m"));
  EXPECT_EQ(2h, parse_duration("2h"));
  EXPECT_FALSE(parse_duration("5 minutes and a bit"));
}

TEST(Quantity, WritesForPeople) {
  EXPECT_EQ("8 MiB", format_bytes(8388608));
  EXPECT_EQ("1.5 KiB", format_bytes(1536));
  EXPECT_EQ("312 MB", format_decimal_bytes(312000000));
  EXPECT_EQ("2,400,113", format_count(2400113));
  EXPECT_EQ("999", format_count(999));
  EXPECT_EQ("5.8 s", format_duration(5.84s));
  EXPECT_EQ("2:05 min", format_duration(125s));
}

}  // namespace
}  // namespace sluice
