#include "sniff/naming.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace sluice::sniff {
namespace {

std::string repeated(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST(Naming, OfAFileIsATables) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"trips-2026.csv.gz", "trips_2026"},
      {"in/Zip  Codes.csv", "zip__codes"},
      {"order.csv", "\"order\""},
      {"2026.csv", "\"2026\""},
      {"-", "data"},
      {repeated("x", 70) + ".csv", repeated("x", 63)},
      {repeated("\xc3\xa9", 40), '"' + repeated("\xc3\xa9", 31) + '"'},
      {repeated("\x80", 70) + ".csv", "data"},  // no character begins there
  };
  for (const auto& [file, table] : cases) EXPECT_EQ(table, table_of_file(file)) << file;
}

TEST(Naming, OfAColumnIsOneWord) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"Unit Price (EUR)", "unit_price_eur"},
      {"__id__", "id"},
      {"a - b", "a_b"},
      {"gr\xc3\xb6\xc3\x9f"
       "e",
       "gr\xc3\xb6\xc3\x9f"
       "e"},
      {"(%)", ""}};
  for (const auto& [name, made] : cases) EXPECT_EQ(made, snake(name)) << name;
}

TEST(Naming, LeavesRoomForItsEnd) {
  EXPECT_EQ("a_2", cut("a", "_2"));
  EXPECT_EQ(repeated("x", 61) + "_2", cut(repeated("x", 63), "_2"));
  EXPECT_EQ(repeated("\xc3\xa9", 30) + "_2", cut(repeated("\xc3\xa9", 40), "_2"));
}

}  // namespace
}  // namespace sluice::sniff
