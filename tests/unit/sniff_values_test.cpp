#include <gmock/gmock.h>

#include "sniff/column.hpp"
#include "support/known_columns.hpp"

namespace sluice::sniff {
namespace {

using ::testing::HasSubstr;

Column column_of(const std::vector<std::string>& values) {
  Column column;
  for (const std::string& value : values)
    column.add({.text = value.data(), .size = static_cast<std::uint32_t>(value.size())});
  return column;
}

TEST(SniffedType, KeepsWhatIsWritten) {
  for (const test::KnownColumn& example : test::known_columns()) {
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
  for (const char* no_day :
       {"31-Feb-2025", "29.02.2025", "01.01.0000", "0000-1-1", "31.12.2025 0:15 AM"})
    EXPECT_EQ("text", column_of({no_day, no_day}).type().sql) << no_day;
  EXPECT_EQ(std::vector<std::string>{"N/A"}, column_of({"N/A", "12"}).type().nulls);
  EXPECT_TRUE(column_of({"N/A", "x"}).type().nulls.empty());
  EXPECT_EQ("text", column_of({" 12,5", "3,5"}).type().sql);
}

/// Only a double has the sign of a zero.
TEST(SniffedType, KeepsTheSignOfAZero) {
  for (const std::vector<std::string>& values :
       {std::vector<std::string>{"-0.0"}, {"1.5", "-0.00"}, {"-0.0", "7"}, {"-0.0", "1e5"}}) {
    EXPECT_EQ("double precision", column_of(values).type().sql) << ::testing::PrintToString(values);
    Column parts = column_of({values.front()});
    parts.merge(column_of({values.back()}));
    EXPECT_EQ("double precision", parts.type().sql);
  }
  EXPECT_EQ("numeric", column_of({"-0.5", "0.0"}).type().sql);
  EXPECT_EQ("numeric", column_of({"-0.0", "1.2345678901234567"}).type().sql) << "digits count more";
  EXPECT_EQ("numeric", column_of({"-0.0", "12345678901"}).type().sql);
  EXPECT_EQ("text", column_of({"-0", "7"}).type().sql);
}

TEST(SniffedType, SaysWhyItIsText) {
  EXPECT_THAT(column_of({"01/02/2025"}).type().why_text, HasSubstr("--date-format"));
  EXPECT_THAT(column_of({"1,234", "5"}).type().why_text, HasSubstr("--thousands"));
  EXPECT_THAT(column_of({"1,5", "1.5"}).type().why_text, HasSubstr("both"));
  EXPECT_EQ("", column_of({"abc"}).type().why_text);
}

/// Two halves of a column are what all of it is, wherever it is cut.
TEST(SniffedType, IsThatOfItsParts) {
  for (const test::KnownColumn& example : test::known_columns()) {
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
