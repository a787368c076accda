#include "lint/lint.hpp"

#include <gtest/gtest.h>

#include <ctime>

#include "lint_cases.hpp"
#include "support/files.hpp"

namespace sluice::lint {
namespace {

std::vector<Finding> findings_of(const std::string& sql, const Options& options = {}) {
  return Linter(options).check({.sql = sql, .directives = *script::read_directives(sql)}).value();
}

std::string places_of(const std::string& sql) {
  std::string places;
  for (const Finding& one : findings_of(sql)) {
    places += (places.empty() ? "" : " ") + std::to_string(one.place.line) + ":" +
              std::to_string(one.place.column);
  }
  return places;
}

std::string safer_of(const std::string& sql, const Options& options = {}) {
  const std::vector<Finding> all = findings_of(sql, options);
  return all.empty() ? "" : all.front().safer;
}

TEST(Lint, SaysWhereInTheStatementItIs) {
  EXPECT_EQ("2:1", places_of("select 1;\ncreate index i on t (a)"));
  EXPECT_EQ("2:3 4:3",
            places_of("alter table t\n  drop column a,\n  add column b text,\n  drop c"));
  EXPECT_EQ("1:20 1:28", places_of("create table t (id int, at timestamp)").substr(0, 9));
}

TEST(Lint, EachActionOfAnAlterTableIsSeen) {
  EXPECT_EQ(
      "ban-drop-column,adding-required-field,ban-drop-not-null,changing-column-type",
      found_in("alter table t drop a, add b text not null, alter c drop not null, alter d type "
               "numeric(10, 2) using round(d, 2)"));
}

TEST(Lint, AValidatedCheckMakesNotNullHarmless) {
  Linter linter(Options{});
  const auto check = [&linter](std::string_view sql) {
    return linter.check({.sql = sql, .directives = {}}).value().size();
  };
  EXPECT_EQ(0U, check("alter table app.t add constraint n check ((c is not null)) not valid"));
  EXPECT_EQ(1U, check("alter table t alter c set not null"));
  EXPECT_EQ(0U, check("alter table app.t validate constraint n"));
  EXPECT_EQ(1U, check("alter table t alter d set not null"));
  EXPECT_EQ(0U, check("alter table t alter c set not null"));
  EXPECT_EQ(0U, check("alter table t drop constraint n"));
  EXPECT_EQ(1U, check("alter table t alter c set not null"));
}

TEST(Lint, SaferSqlHasTheNamesOfTheStatement) {
  EXPECT_EQ(
      "-- in a file with: -- pgsluice: no-transaction\n"
      "create unique index concurrently \"I\" on app.t (lower(a)) where b;",
      safer_of("create unique index \"I\" on app.t (lower(a)) where b"));
  EXPECT_EQ(
      "alter table app.t add constraint t_p_fkey foreign key (p, q) references u not valid;\n"
      "-- in the next file:\nalter table app.t validate constraint t_p_fkey;",
      safer_of("alter table app.t add foreign key (p, q) references u (p, q)"));
}

TEST(Lint, SaferSqlIsOfTheServersVersion) {
  const std::string sql = "alter table t alter c set not null";
  EXPECT_NE(std::string::npos, safer_of(sql).find("check (c is not null) not valid"));
  EXPECT_NE(std::string::npos, safer_of(sql, {.server_version = 18}).find("not null c not valid"));
  EXPECT_EQ("", found_in("alter table t detach partition p", {.server_version = 13}));
  EXPECT_EQ("require-concurrent-partition-detach",
            found_in("alter table t detach partition p", {.server_version = 14}));
}

TEST(Lint, AnotherRunnerHasNoTransactionAndNoTimeout) {
  const Options options{.runner = Runner::other};
  EXPECT_EQ("",
            found_in("set lock_timeout = '1s'; create index concurrently if not exists i on t (c)",
                     options));
  EXPECT_EQ("require-timeout-settings",
            found_in("alter table t add column if not exists c text", options));
  EXPECT_EQ("prefer-robust-stmts",
            found_in("set lock_timeout = 1000; alter table t add c text", options));
  EXPECT_EQ("",
            found_in("set lock_timeout = 1000; begin; alter table t add c text; commit", options));
}

TEST(Lint, NumbersThatAreNoKeysAreANote) {
  EXPECT_EQ(Level::note, findings_of("create table t (age int)").front().level);
  EXPECT_EQ(Level::warning, findings_of("create table t (user_id int)").front().level);
}

TEST(Lint, ExcludedRulesFindNothing) {
  EXPECT_EQ("", found_in("drop table t", {.excluded = {RuleId::ban_drop_table}}));
}

TEST(Lint, AllowSpeaksOfItsStatementAlone) {
  const Options options{.excluded = {RuleId::several_tables_locked}};
  const std::string allowed =
      "-- pgsluice: allow ban-drop-table because it is empty\ndrop table t;\n";
  EXPECT_EQ("ban-drop-table", found_in(allowed + "drop table u", options));
  EXPECT_EQ("ban-drop-column", found_in(allowed + "alter table u drop c", options));
}

TEST(Lint, AllowWithoutAReasonOrWithAnUnknownRuleIsAnError) {
  EXPECT_EQ("unknown rule \"ban-drop-tabel\"; did you mean ban-drop-table?",
            found_in("select 1; -- pgsluice: allow ban-drop-tabel because x"));
  EXPECT_EQ("allow ban-drop-table: it needs a reason; write: allow RULE because REASON",
            found_in("select 1;\n-- pgsluice: allow ban-drop-table\ndrop table t"));
  EXPECT_EQ("allow: it needs a rule; write: allow RULE because REASON",
            found_in("-- pgsluice: allow because I say so\ndrop table t"));
}

TEST(Lint, TheDocsHaveTheRulesOfTheCode) {
  const std::string page = test::read_file(PGSLUICE_SOURCE_DIR "/docs/lint.md");
  const std::string begin = "## The rules\n\n";
  const std::size_t at = page.find(begin);
  ASSERT_NE(std::string::npos, at);
  EXPECT_EQ(rules_page(), page.substr(at + begin.size()) + "\n");
}

/// What a person or a machine may leave of a file.
TEST(Lint, DataOfACopyIsPassed) {
  const std::string sql =
      "copy t (a) from stdin;\ndrop table t;\n\\.\n-- pgsluice: allow ban-drop-table because "
      "x\ndrop "
      "table u;\nalter table u drop a";
  EXPECT_EQ("ban-drop-column", found_in(sql, {.excluded = {RuleId::several_tables_locked}}));
  EXPECT_EQ("6:15", places_of(sql).substr(0, 4));
}

TEST(Lint, CutAndOddFilesEndIt) {
  std::string all;
  for (const LintCase& one : lint_cases) all += std::string(one.found) + ";\n";
  for (const LintCase& one : lint_cases) {
    const std::string sql = one.found;
    for (std::size_t end = 0; end <= sql.size(); ++end) found_in(sql.substr(0, end));
    for (std::size_t at = 0; at < sql.size(); ++at) {
      for (const char odd : {'\0', '"', '\'', '(', ')', ',', '.', ';', '$', '\\', '\xff', ':'}) {
        std::string changed = sql;
        changed[at] = odd;
        found_in(changed);
      }
    }
  }
  for (std::size_t at = 0; at < all.size(); at += 7) found_in(all.substr(at));
}

/// Each of them has a megabyte.
TEST(Lint, LongFilesTakeAsLongAsTheyAreLong) {
  const auto repeated = [](const std::string& text, std::size_t bytes = 1 << 20) {
    std::string all;
    while (all.size() < bytes) all += text;
    return all;
  };
  const std::clock_t began = std::clock();
  found_in("alter table t add check " + repeated("("));
  found_in("alter table t add check (" + repeated("((a > 0)) and ") + "true)");
  found_in("create table t (" + repeated("a int, ") + "b int)");
  found_in("alter table t " + repeated("drop c, "));
  found_in(repeated("alter table t drop c;\n"));
  found_in(repeated("drop table t;\n"));
  found_in("-- pgsluice: no-transaction\n" + repeated("begin;"));
  found_in(repeated("-- pgsluice: allow ban-drop-table because x\n"));
  found_in("drop table " + repeated("t.") + "t");
  found_in("drop table " + repeated("t, ") + "t");
  std::string many;
  for (int i = 0; many.size() < (1 << 20); ++i) {
    const std::string name = "t" + std::to_string(i);
    many += "create table " + name + " (a bigint); alter table u" + name + " add c text;\n";
  }
  found_in(many);
  EXPECT_LT((std::clock() - began) / CLOCKS_PER_SEC, 60) << "seconds of the CPU";
}

}  // namespace
}  // namespace sluice::lint
