#include "pg/array_insert.hpp"

#include <gtest/gtest.h>

namespace sluice::pg {
namespace {

TEST(ArrayInsert, TakesPlainOnes) {
  struct Case {
    const char* given;
    const char* made;
  };
  for (const Case& c : {
           Case{"insert into t values ($1)", "insert into t select * from pg_catalog.unnest($1)"},
           Case{"INSERT  Into s . t\n(a , \"b )\"\"(\") VALUES( $1 ,$2 ) ; ",
                "insert into s . t\n(a , \"b )\"\"(\") select * from pg_catalog.unnest($1, $2)"},
           Case{"insert into größe values ($1)",
                "insert into größe select * from pg_catalog.unnest($1)"},
       }) {
    const auto insert = ArrayInsert::of(c.given);
    ASSERT_TRUE(insert) << c.given;
    std::string made = insert->statement();
    // What stood in front of the values may end with a space.
    while (made.find("  ") != std::string::npos) made.erase(made.find("  "), 1);
    EXPECT_EQ(c.made, made);
  }
}

TEST(ArrayInsert, LeavesAllOthers) {
  for (const char* given : {
           "",
           "insert into t",
           "insert into t values ()",
           "insert into t values ($1",
           "insert into t values ($2)",
           "insert into t values ($1, $1)",
           "insert into t values ($1, $3)",
           "insert into t values ($1a)",
           "insert into t values ($1, default)",
           "insert into t values ($1 + 1)",
           "insert into t values ($1::int)",
           "insert into t values ($1), ($2)",
           "insert into t values ($1) returning id",
           "insert into t values ($1) on conflict do nothing",
           "insert into t values ($1); drop table t",
           "insert into t overriding system value values ($1)",
           "insert into t as x values ($1)",
           "insert into t (a[1]) values ($1)",
           "insert into t () values ($1)",
           "insert into t (a,) values ($1)",
           "insert into t. values ($1)",
           "insert into 1t values ($1)",
           "insert into \"t values ($1)",
           "/* one */ insert into t values ($1)",
           "insert into t values ($1) -- one",
           "update t set a = $1",
           "with x as (select 1) insert into t values ($1)",
       })
    EXPECT_FALSE(ArrayInsert::of(given)) << given;
}

TEST(ArrayInsert, AsksForTheStatementWithoutItsEnd) {
  const auto insert = ArrayInsert::of("insert into t values ($1) ;");
  ASSERT_TRUE(insert);
  EXPECT_TRUE(insert->types_query().text().starts_with(
      "prepare pgsluice_rows as insert into t values ($1); select "));
}

TEST(ArraysOfRows, QuotesWhatAnArrayWouldTakeForSomethingElse) {
  ArraysOfRows arrays(2);
  arrays.add({"1", "a,b"});
  arrays.add({std::nullopt, "null"});
  arrays.add({"-2.5e+7", "q\"\\"});
  arrays.add({"", "{}"});
  EXPECT_EQ(4U, arrays.rows());
  const Row made = arrays.take();
  EXPECT_EQ("{1,NULL,-2.5e+7,\"\"}", *made[0]);
  EXPECT_EQ(R"({"a,b","null","q\"\\","{}"})", *made[1]);
  EXPECT_EQ(0U, arrays.rows());
  EXPECT_EQ(0U, arrays.bytes());
  arrays.add({"1", "2"});
  EXPECT_EQ("{1}", *arrays.take()[0]);
}

}  // namespace
}  // namespace sluice::pg
