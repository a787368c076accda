#include "base/sql.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Sql, FillsEachHoleWithWhatIsQuotedAsWhatItIs) {
  EXPECT_EQ("select 1", sql("select 1").text());
  EXPECT_EQ("update \"a\"\"b\" set v = 'it''s' where id = -7 and d = true",
            sql("update {} set v = {} where id = {} and d = {}", identifier("a\"b"),
                literal("it's"), -7, true)
                .text());
  EXPECT_EQ("select  E'\\\\'", sql("select {}", literal("\\")).text());
}

TEST(Sql, HolesInValuesStayWhatTheyAre) {
  EXPECT_EQ("select '{}', \"{}\", 2",
            sql("select {}, {}, {}", literal("{}"), identifier("{}"), 2).text());
}

TEST(Sql, IsMadeOfOtherSql) {
  Sql where = sql("id = {}", 1);
  where += sql(" and v = {}", literal("x"));
  EXPECT_EQ("select (id = 1 and v = 'x')", sql("select ({})", where).text());
  EXPECT_EQ("begin; commit", (sql("begin; ") + sql("commit")).text());
}

/// A text of somebody else does not get in without being quoted.
template <class T>
concept FillsHole = SqlPart<T>;
static_assert(FillsHole<Literal> && FillsHole<Identifier> && FillsHole<Sql> && FillsHole<int>);
static_assert(!FillsHole<std::string> && !FillsHole<std::string_view> && !FillsHole<const char*> &&
              !FillsHole<char>);

}  // namespace
}  // namespace sluice
