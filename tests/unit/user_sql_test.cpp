#include "script/user_sql.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"

namespace sluice::script {
namespace {

std::string refusal(const std::string& text) {
  try {
    UserSql("--where", text);
  } catch (const Failure& failure) {
    EXPECT_EQ(FailureKind::usage, failure.kind());
    EXPECT_TRUE(failure.problem().starts_with("--where: ")) << failure.problem();
    return failure.problem().substr(9);
  }
  return {};
}

TEST(UserSql, StaysInItsPlace) {
  for (const char* text :
       {"a = 1", "(a)", "a[1] = '('", "';' <> $$;)$$", "\"a;)\" = 1 /* ;) /* ' */ ( */", "a -- ;)(",
        "e'\\';' = a", "$tag$ $$ ; $tag$ = a", "a::text || '\\'", "x'1f' = b'1'", "a = any('{1}')"})
    EXPECT_EQ("", refusal(text)) << text;
  const struct {
    const char* text;
    const char* says;
  } refused[] = {
      {"", "it is empty"},
      {" \n-- a\n/* b */", "it is empty"},
      {"a;", "it is a part of one statement: leave out the semicolon"},
      {"(a;)", "it is a part of one statement: leave out the semicolon"},
      {"a)", "a ) closes what it has not opened"},
      {"a) or (b", "a ) closes what it has not opened"},
      {"(a]", "a ] closes what it has not opened"},
      {"(a", "a ) is missing"},
      {"a[1", "a ] is missing"},
      {"'a", "a quote or a comment in it has no end"},
      {"a = '''", "a quote or a comment in it has no end"},
      {"\"a", "a quote or a comment in it has no end"},
      {"e'\\'", "a quote or a comment in it has no end"},
      {"a /* /* */", "a quote or a comment in it has no end"},
      {"$x$ $y$", "a quote or a comment in it has no end"},
      {"a \\g", "a backslash stands in it, which is psql's"},
      {"a = $1", "there is no parameter $1"},
  };
  for (const auto& one : refused) EXPECT_EQ(one.says, refusal(one.text)) << one.text;
  EXPECT_EQ("a byte 0 stands in it", refusal(std::string("a\0b", 3)));
}

TEST(UserSql, IsCutAtItsCommas) {
  const UserSql list("--select", "f(a, b), array[1, 2], ',', \"x,y\" /* , */, csv.* -- ,");
  std::vector<std::string> texts;
  const auto none = [](const std::string&) { return Sql(); };
  for (const UserSql::Part part : list.parts()) texts.push_back(list.filled(part, none).text());
  EXPECT_EQ((std::vector<std::string>{"f(a, b)", "array[1, 2]", "','", "\"x,y\"", "csv.*"}), texts);
}

TEST(UserSql, NamesAreAsTheServerReadsThem) {
  const UserSql list("--select", "City \"City\" \"q\"\"x\" _a1 \xc3\x89t\xc3\xa9 12 'x' e'x' ()");
  EXPECT_EQ("city", list.name(0));
  EXPECT_EQ("City", list.name(1));
  EXPECT_EQ("q\"x", list.name(2));
  EXPECT_EQ("_a1", list.name(3));
  EXPECT_EQ("\xc3\x89t\xc3\xa9", list.name(4));
  for (const std::size_t token : {5U, 6U, 7U, 8U}) EXPECT_EQ(std::nullopt, list.name(token));
}

TEST(UserSql, WordsWithAColonAreFilledIn) {
  const auto fill = [](const std::string& word) { return sql("<{}>", Sql::trusted(word)); };
  const struct {
    const char* text;
    const char* filled;
  } examples[] = {
      {" :file ", "<file>"},
      {"a || :File||:now", "a || <file>||<now>"},
      {"a::file, b :: now", "a::file, b :: now"},
      {"':file' || \":now\" /* :load */ || $$:path$$",
       "':file' || \":now\" /* :load */ || $$:path$$"},
      {"a[1:n], :other, : file, :\"file\"", "a[1:n], :other, : file, :\"file\""},
      {":record::text -- :line", "<record>::text"},
      {"-- :line\n:line", "<line>"},
  };
  for (const auto& one : examples)
    EXPECT_EQ(one.filled, UserSql("--select", one.text).filled(fill).text());
}

}  // namespace
}  // namespace sluice::script
