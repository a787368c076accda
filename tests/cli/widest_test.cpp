#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// A table of as many columns as PostgreSQL has room for: what needs one more is refused before
/// anything is made, all else works.
class Widest : public DatabaseTest {
 protected:
  void make(int columns) {
    db().run(
        "drop table if exists w; drop schema if exists pgsluice cascade; do $$ begin execute "
        "(select "
        "'create table w (id int primary key, ' || string_agg('c' || i || ' \"char\"', ', ') || "
        "')' "
        "from generate_series(2, " +
        std::to_string(columns) + ") i); end $$");
  }
  std::string file(int columns) {
    std::string header = "id";
    std::string row = "1";
    for (int i = 2; i <= columns; ++i) {
      header += ",c" + std::to_string(i);
      row += ",x";
    }
    return folder_.write("in.csv", header + "\n" + row + "\n");
  }

  TemporaryFolder folder_;
};

TEST_F(Widest, WhatNeedsOneMoreColumnIsRefusedBeforeAnythingIsMade) {
  struct Way {
    std::vector<std::string> flags;
    bool of_all;  ///< needs one more than the table's columns, and not than the file's
    const char* named;
  };
  const std::vector<Way> ways{{{}, false, nullptr},
                              {{"--writer", "insert"}, false, nullptr},
                              {{"--atomic"}, true, "--atomic"},
                              {{"--on-conflict", "nothing"}, false, "--on-conflict"},
                              {{"--on-conflict", "update"}, false, "--on-conflict"},
                              {{"--on-conflict", "update", "--atomic"}, true, "--atomic"},
                              {{"--on-conflict", "update", "--dedupe", "error"}, true, "--dedupe"}};
  constexpr int columns_max = 1600;
  for (const Way& way : ways) {
    for (const int columns : {columns_max - 1, columns_max}) {
      for (const int fed : {2, columns}) {
        SCOPED_TRACE(::testing::PrintToString(way.flags) + ", " + std::to_string(fed) + " of " +
                     std::to_string(columns));
        make(columns);
        std::vector<std::string> command{"load",       file(fed), "-t", "w",
                                         "--progress", "none",    "-d", url()};
        command.insert(command.end(), way.flags.begin(), way.flags.end());
        const Finished finished = pgsluice(command);
        const bool has_room =
            way.named == nullptr || columns < columns_max || (fed < columns && !way.of_all);
        EXPECT_EQ(has_room ? 0 : 2, finished.exit_code) << finished.err;
        EXPECT_EQ(has_room ? 1 : 0, db().number("select count(*) from w"));
        if (has_room) continue;
        EXPECT_THAT(finished.err,
                    HasSubstr(std::string(way.named) + ": public.w has 1600 columns"));
        EXPECT_EQ("t", db().value("select to_regclass('pgsluice.loads') is null"));
      }
    }
  }
}

}  // namespace
}  // namespace sluice::test
