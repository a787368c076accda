#include <gmock/gmock.h>

#include "support/migrations.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// What a file leaves in its session, and where its errors are.
class LeftBehind : public MigrationTest {};

/// Lines are the file's, whatever the values are.
TEST_F(LeftBehind, ValuesHaveNoLines) {
  struct Case {
    std::string text;
    std::string at;
  };
  const std::string head = "-- pgsluice: placeholder v\n-- pgsluice: placeholder w\n";
  const std::string no_transaction = "-- pgsluice: no-transaction\n" + head;
  for (const auto& [text, at] : std::vector<Case>{
           {head + "select :'v';\nselect nme;\n", "001_a.sql:4:8: column"},
           {head + "select '${v}', :\"v\" from (select 1 as :\"v\") s;\nselect nme;\n",
            "001_a.sql:4:8: column"},
           {head + "select :'v', nme;\n", "001_a.sql:3:14: column"},
           {head + "select :'v',\n  nme;\n", "001_a.sql:4:3: column"},
           {head + "select :'w', :'v'; select nme;\n", "001_a.sql:3:27: column"},
           {head + "select ${w}:'v', nme;\n", "001_a.sql:3:18: column"},
           {head + "select :'v';\nselect 1;\nselect 1 / (select 0);\n", "001_a.sql:5:1: division"},
           {head + "select :'v'::int;\n", "001_a.sql:3:8: invalid input"},
           {head + "select :'v';\n\\i other\n", "001_a.sql:4:1: a command of psql"},
           {head + "select :'v';\nselect 'open\n", "001_a.sql:4:8: this quote"},
           {head + "select :'v';\nbegin;\n", "001_a.sql:4:1: BEGIN"},
           {no_transaction + "select :'v';\nselect nme;\n", "001_a.sql:5:8: statement 2 of 2"},
           {no_transaction + "select :'v', :'v', nme;\n", "001_a.sql:4:20: statement 1 of 1"},
           {no_transaction + "select :'v';\nselect 1 / (select 0);\n",
            "001_a.sql:5:1: statement 2 of 2"},
       }) {
    for (const char* value : {"a\nb\n\nc", "a\rb\r\nc", "a"}) {
      db().run("drop schema if exists pgsluice cascade");
      write("001_a.sql", text);
      const Finished failed =
          up({"--placeholder", "v=" + std::string(value), "--placeholder", "w="});
      EXPECT_NE(0, failed.exit_code);
      EXPECT_THAT(failed.err, HasSubstr(at)) << text << ::testing::PrintToString(value);
    }
  }
}

}  // namespace
}  // namespace sluice::test
