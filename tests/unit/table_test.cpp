#include "report/table.hpp"

#include <gtest/gtest.h>

#include "base/characters.hpp"

namespace sluice::report {
namespace {

std::vector<Column> loads() {
  return {{.head = "load", .cells = {"7", "12"}, .is_number = true},
          {.head = "started", .cells = {"2026-11-30", "2026-11-29"}, .gives_way = 2},
          {.head = "rows/s", .cells = {"1,000", "-"}, .is_number = true, .gives_way = 1},
          {.head = "source", .cells = {"naïve.csv", "a/longer/name.csv"}}};
}

TEST(Table, HasColumnsAsWideAsWhatStandsInThem) {
  EXPECT_EQ(table_of(loads(), std::nullopt),
            "load  started     rows/s  source\n"
            "   7  2026-11-30   1,000  naïve.csv\n"
            "  12  2026-11-29       -  a/longer/name.csv\n");
}

TEST(Table, LeavesOutWhatHasNoRoomInItsOrder) {
  constexpr std::size_t all = 43;
  EXPECT_EQ(table_of(loads(), all), table_of(loads(), std::nullopt));
  EXPECT_EQ(table_of(loads(), all - 1),
            "load  started     source\n"
            "   7  2026-11-30  naïve.csv\n"
            "  12  2026-11-29  a/longer/name.csv\n");
  EXPECT_EQ(table_of(loads(), 24),
            "load  source\n"
            "   7  naïve.csv\n"
            "  12  a/longer/name.csv\n");
}

TEST(Table, CutsALineThatNoColumnGivesWayFor) {
  EXPECT_EQ(table_of(loads(), 9),
            "load  so…\n"
            "   7  na…\n"
            "  12  a/…\n");
  for (std::size_t width = 1; width < 60; ++width) {
    const std::string text = table_of(loads(), width);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      EXPECT_LE(count_characters(std::string_view(text).substr(at, end - at)), width);
      at = end + 1;
    }
  }
}

TEST(Table, GivesWideCharactersTheirRoom) {
  const std::vector<Column> columns{{.head = "table", .cells = {"日本", "t"}},
                                    {.head = "source", .cells = {"日本語.csv", "a.csv"}}};
  EXPECT_EQ(table_of(columns, std::nullopt),
            "table  source\n"
            "日本   日本語.csv\n"
            "t      a.csv\n");
  EXPECT_EQ(table_of(columns, 12),
            "table  sour…\n"
            "日本   日本…\n"
            "t      a.csv\n");
}

TEST(Table, HasNoColumnOfNothing) {
  EXPECT_EQ(table_of({{.head = "job", .cells = {"nightly"}}, {.cells = {""}}}, std::nullopt),
            "job\nnightly\n");
  EXPECT_EQ(table_of({}, 80), "");
  EXPECT_EQ(table_of({{.head = "job"}}, 80), "job\n");
}

}  // namespace
}  // namespace sluice::report
