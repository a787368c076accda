#include "s3/pattern.hpp"

#include <gmock/gmock.h>

#include "base/failure.hpp"

namespace sluice::s3 {
namespace {

using ::testing::ElementsAre;

struct Case {
  const char* pattern;
  std::vector<const char*> matching;
  std::vector<const char*> others;
};

TEST(S3Pattern, SaysWhichKeysAreMeant) {
  const Case cases[] = {
      {"*.csv", {"a.csv", "*.csv"}, {"a/b.csv", ".a.csv", "a.csv.gz", ""}},
      {"a/*", {"a/b", "a/"}, {"a", "a/b/c", "b/a", "a/.b"}},
      {"a?c", {"abc"}, {"a/c", "ac", "abbc"}},
      {"[a-c].csv", {"b.csv"}, {"d.csv", "[a-c].csv"}},
      {"[!a-c].csv", {"d.csv"}, {"b.csv"}},
      {"**", {"a", "a/b", "a/b/c.csv"}, {".a", "a/.b", "a/.b/c"}},
      {"**/*.csv", {"a.csv", "a/b.csv", "a/b/c.csv"}, {"a.tsv", ".a/b.csv"}},
      {"a/**/b", {"a/b", "a/x/b", "a/x/y/b"}, {"ab", "a/xb", "b", "a/b/c", "a/x/.y/b"}},
      {"a/**", {"a/b", "a/b/c"}, {"a", "ab/c"}},
      {"**/**/a", {"a", "x/a", "x/y/z/a"}, {"xa"}},
      {"a**b", {"ab", "axb"}, {"a/b"}},
      {"{a,b}.csv", {"a.csv", "b.csv"}, {"c.csv", "{a,b}.csv"}},
      {"{2025/12,2026}/*", {"2025/12/a", "2026/a"}, {"2025/a"}},
      {"{a,b{c,d}}{,.gz}", {"a", "bc", "bd", "a.gz", "bd.gz"}, {"b", "ab"}},
      {"{a}*", {"{a}", "{a}b"}, {"a"}},
      {"{a,*", {"{a,b"}, {"a"}},
      {"a}*", {"a}b"}, {"a"}},
      {"\\*.csv*", {"*.csv", "*.csv.gz"}, {"a.csv"}},
      {"\\{a,b\\}*", {"{a,b}c"}, {"ac"}},
      {"a\\b*", {"a\\b", "a\\bc"}, {"ab"}},
      {"a//*", {"a//b"}, {"a/b"}},
      {"/*", {"/a"}, {"a"}},
      {".*", {".a"}, {"a"}},
      {"[", {"["}, {"a"}},
  };
  for (const Case& each : cases) {
    const Pattern pattern(each.pattern);
    for (const char* const key : each.matching)
      EXPECT_TRUE(pattern.matches(key)) << each.pattern << " " << key;
    for (const char* const key : each.others)
      EXPECT_FALSE(pattern.matches(key)) << each.pattern << " " << key;
  }
}

TEST(S3Pattern, IsListedFromWhatIsLiteral) {
  EXPECT_THAT(Pattern("2026/01/*.csv").prefixes(), ElementsAre("2026/01/"));
  EXPECT_THAT(Pattern("*").prefixes(), ElementsAre(""));
  EXPECT_THAT(Pattern("a/**/b").prefixes(), ElementsAre("a/"));
  EXPECT_THAT(Pattern("{b,a}/*").prefixes(), ElementsAre("a/", "b/"));
  EXPECT_THAT(Pattern("*.{csv,tsv}").prefixes(), ElementsAre(""));
  EXPECT_THAT(Pattern("{a,ab,b}*").prefixes(), ElementsAre("a", "b"));
  EXPECT_THAT(Pattern("\\*a\\b[c]").prefixes(), ElementsAre("*a\\b"));
  EXPECT_THAT(Pattern("a{1,2}").prefixes(), ElementsAre("a1", "a2"));
}

TEST(S3Pattern, IsToldFromAKey) {
  for (const char* const text : {"*", "a?", "[a]", "{a,b}", "a\\\\*"})
    EXPECT_TRUE(is_pattern(text)) << text;
  for (const char* const text : {"", "a", "a,b", "{a}", "\\*", "\\{a,b}", "a]", "a\\b"})
    EXPECT_FALSE(is_pattern(text)) << text;
  EXPECT_EQ("*a{b,c}\\d\\", plain_key("\\*a\\{b\\,c\\}\\d\\\\"));
}

TEST(S3Pattern, AKeyIsWrittenSoThatItIsNone) {
  EXPECT_EQ("a b,{c}]\\d", written_key("a b,{c}]\\d"));
  EXPECT_EQ("a\\*\\?\\[b]", written_key("a*?[b]"));
  EXPECT_EQ("\\{a,b}", written_key("{a,b}"));
  for (const char* const key : {"", "a", "*", "a\\*", "a\\\\*", "\\", "\\\\", "{a,{b}}\\",
                                "{a,b}\\{", "a?versionId=1", "[\\]", "\\a"}) {
    EXPECT_EQ(key, plain_key(written_key(key)));
    EXPECT_FALSE(is_pattern(written_key(key))) << key;
  }
}

TEST(S3Pattern, HasABound) {
  std::string lists;
  for (int i = 0; i < 40; ++i) lists += "{a,b}";
  EXPECT_THROW(Pattern{lists}, Failure);
}

}  // namespace
}  // namespace sluice::s3
