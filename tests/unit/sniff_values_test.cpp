#include <gmock/gmock.h>

#include "sniff/column.hpp"

namespace sluice::sniff {
namespace {

using ::testing::HasSubstr;

Column column_of(const std::vector<std::string>& values) {
  Column column;
  for (const std::string& value : values)
    column.add({.text = value.data(), .size = static_cast<std::uint32_t>(value.size())});
  return column;
}

struct Example {
  std::vector<std::string> values;
  std::string type;
};

/// What people write, and the type that keeps it.
std::vector<Example> examples() {
  return {
      {{"1", "-20", "", "2147483647"}, "integer"},
      {{"1", "2147483648"}, "bigint"},
      {{"9223372036854775808"}, "numeric"},
      {{"1.50", "2"}, "numeric"},
      {{".5", "-0.25"}, "numeric"},
      {{"1e5", "2.5"}, "double precision"},
      {{"NaN", "1.5"}, "double precision"},
      {{"1234567890.1234567", "1e5"}, "numeric"},
      {{"1.23456789012345678e5"}, "text"},
      {{"007", "12"}, "text"},
      {{"00"}, "text"},
      {{"0", "1"}, "integer"},
      {{"-0"}, "text"},
      {{"+491701234567"}, "text"},
      {{"01234", "98765"}, "text"},
      {{"555-0100"}, "text"},
      {{"12.50 EUR"}, "text"},
      {{"$1,234.50"}, "text"},
      {{"12%"}, "text"},
      {{"1.2.3", "1.10.0"}, "text"},
      {{"12,50", "3"}, "numeric"},
      {{"1.234,50", "3,5"}, "numeric"},
      {{"1,234.50", "12"}, "numeric"},
      {{"1,234,567"}, "numeric"},
      {{"1.234.567"}, "numeric"},
      {{"1,234"}, "text"},
      {{"12,5", "12.5"}, "text"},
      {{"true", "false", "TRUE"}, "boolean"},
      {{"t", "f"}, "boolean"},
      {{"yes", "no", ""}, "boolean"},
      {{"yes", "f"}, "text"},
      {{"Y", "N"}, "text"},
      {{"2025-12-31", "2024-02-29"}, "date"},
      {{"2025-02-29"}, "text"},
      {{"2025-12-31 10:15:00", "2025-12-31"}, "timestamp"},
      {{"2025-12-31T10:15:00.123456"}, "timestamp"},
      {{"2025-12-31T10:15:00.123456789"}, "text"},
      {{"2025-12-31T10:15:00Z", "2025-12-31 10:15:00+02"}, "timestamptz"},
      {{"2025-12-31T10:15:00Z", "2025-12-31T10:15:00"}, "text"},
      {{"10:15", "23:59:59"}, "time"},
      {{"25:00"}, "text"},
      {{"31/12/2025", "01/02/2025"}, "date"},
      {{"12/31/2025"}, "date"},
      {{"01/02/2025", "03/04/2025"}, "text"},
      {{"31/12/2025", "12/31/2025"}, "text"},
      {{"31.12.2025 23:59", "1.1.2026 0:00"}, "timestamp"},
      {{"31-Dec-2025", "01-jan-26"}, "text"},
      {{"31-Dec-2025", "01-jan-2026"}, "date"},
      {{"12/31/2025 11:59 PM"}, "timestamp"},
      {{"2025/12/31"}, "date"},
      {{"20251231"}, "integer"},
      {{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}, "uuid"},
      {{"d41d8cd98f00b204e9800998ecf8427e"}, "text"},
      {{"192.168.0.1", "10.0.0.0/8"}, "inet"},
      {{"192.168.000.001"}, "text"},
      {{"2001:db8::1"}, "inet"},
      {{"08:00:2b:01:02:03"}, "text"},
      {{"{\"a\":1}", "[1,2]"}, "json"},
      {{"{1,2}"}, "text"},
      {{"52.5200,13.4050"}, "text"},
      {{"52.5200", "-13.4050"}, "numeric"},
      {{"N/A", "12", ""}, "integer"},
      {{"-", "12.5"}, "numeric"},
      {{"null"}, "text"},
      {{"", ""}, "text"},
      {{"abc", "12"}, "text"},
      {{" 12", "3 "}, "integer"},
      {{"0x1F"}, "text"},
      {{"1_000"}, "text"},
      {{"IV", "X"}, "text"},
      {{"DE89370400440532013000"}, "text"},
      {{"4111111111111111"}, "bigint"},
      {{"a@b.org"}, "text"},
      {{"Infinity", "-Infinity"}, "double precision"},
  };
}

TEST(SniffedType, KeepsWhatIsWritten) {
  for (const Example& example : examples()) {
    SCOPED_TRACE(::testing::PrintToString(example.values));
    EXPECT_EQ(example.type, column_of(example.values).type().sql);
  }
}

TEST(SniffedType, SaysWhatItNeeds) {
  const ColumnType comma = column_of({"1.234,50", "3,5"}).type();
  EXPECT_TRUE(comma.decimal_comma);
  EXPECT_EQ(".", comma.thousands);
  EXPECT_EQ("", column_of({"3,5"}).type().thousands);
  EXPECT_EQ(",", column_of({"1,234.50"}).type().thousands);
  EXPECT_EQ("DD/MM/YYYY", column_of({"31/12/2025"}).type().date_format);
  EXPECT_EQ("MM/DD/YYYY HH12:MI AM", column_of({"12/31/2025 11:59 PM"}).type().date_format);
  EXPECT_EQ("DD.MM.YYYY HH24:MI:SS",
            column_of({"31.12.2025 23:59", "30.12.2025 23:59:59"}).type().date_format);
  EXPECT_EQ("DD-Mon-YYYY", column_of({"31-Dec-2025"}).type().date_format);
  EXPECT_EQ(std::vector<std::string>{"N/A"}, column_of({"N/A", "12"}).type().nulls);
  EXPECT_TRUE(column_of({"N/A", "x"}).type().nulls.empty());
  EXPECT_EQ("text", column_of({" 12,5", "3,5"}).type().sql);
}

TEST(SniffedType, SaysWhyItIsText) {
  EXPECT_THAT(column_of({"01/02/2025"}).type().why_text, HasSubstr("--date-format"));
  EXPECT_THAT(column_of({"1,234", "5"}).type().why_text, HasSubstr("--thousands"));
  EXPECT_THAT(column_of({"1,5", "1.5"}).type().why_text, HasSubstr("both"));
  EXPECT_EQ("", column_of({"abc"}).type().why_text);
}

/// Two halves of a column are what all of it is, wherever it is cut.
TEST(SniffedType, IsThatOfItsParts) {
  for (const Example& example : examples()) {
    SCOPED_TRACE(::testing::PrintToString(example.values));
    for (std::size_t cut = 0; cut <= example.values.size(); ++cut) {
      const auto middle = example.values.begin() + static_cast<std::ptrdiff_t>(cut);
      Column first = column_of({example.values.begin(), middle});
      const Column second = column_of({middle, example.values.end()});
      first.merge(second);
      const Column all = column_of(example.values);
      EXPECT_EQ(all.type().sql, first.type().sql);
      EXPECT_EQ(all.type().date_format, first.type().date_format);
      EXPECT_EQ(all.smallest(), first.smallest());
      EXPECT_EQ(all.largest(), first.largest());
      EXPECT_EQ(all.distinct(), first.distinct());
      EXPECT_EQ(all.values(), first.values());
    }
  }
}

TEST(Column, CountsWhatIsDifferent) {
  Column column;
  std::vector<std::string> values;
  for (int i = 0; i < 100'000; ++i) values.push_back(std::to_string(i % 20'000));
  for (const std::string& value : values)
    column.add({.text = value.data(), .size = static_cast<std::uint32_t>(value.size())});
  EXPECT_NEAR(20'000, static_cast<double>(column.distinct()), 1'000);
  EXPECT_EQ("0", column.smallest());
  EXPECT_EQ("19999", column.largest());
  EXPECT_EQ(3, column_of({"a", "b", "a", "c"}).distinct());
}

}  // namespace
}  // namespace sluice::sniff
