#include "base/sql.hpp"

#include <gtest/gtest.h>

#include "base/columns.hpp"

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

TEST(Sql, ListsWhatItIsGiven) {
  const std::vector<std::string> texts{"a", "b'"};
  EXPECT_EQ("array['a', 'b''']::pg_catalog.text[]", sql_array(texts).text());
  EXPECT_EQ("array[]::pg_catalog.text[]", sql_array({}).text());
  EXPECT_EQ("\"a\", \"b'\"", sql_list(texts, identifier).text());
  EXPECT_EQ("1 or 2", joined({sql("1"), sql("2")}, " or ").text());
  EXPECT_EQ("", joined({}, " or ").text());
  EXPECT_EQ("null", literal_or_null(false, "x").text());
  EXPECT_EQ("'x'", literal_or_null(true, "x").text());
}

TEST(Sql, TakesWordsOfOurSourceAsAConstant) {
  static constexpr SqlWords here = "now()";
  EXPECT_EQ("select now(), 0.500000", sql("select {}, {}", here, 0.5).text());
  EXPECT_EQ("now()", Sql(here).text());
}

constexpr auto columns = columns_of({{"id", "l.id"}, {"is_held", "exists ({})"}, {"n", "l.n"}});

TEST(Columns, AreAskedForAndFoundInOneOrder) {
  EXPECT_EQ("l.id, exists (select 1), l.n", columns.list(sql("select 1")).text());
  static_assert(columns["id"] == 0 && columns["is_held"] == 1 && columns["n"] == 2);
  EXPECT_EQ(3, columns.size());
}

/// A text of somebody else does not get in without being quoted.
template <class T>
concept FillsHole = SqlPart<T>;
static_assert(FillsHole<Literal> && FillsHole<Identifier> && FillsHole<Sql> && FillsHole<int>);
static_assert(!FillsHole<std::string> && !FillsHole<std::string_view> && !FillsHole<const char*> &&
              !FillsHole<char>);
static_assert(!std::is_convertible_v<std::string, Sql> && !std::is_convertible_v<const char*, Sql>);

}  // namespace
}  // namespace sluice
