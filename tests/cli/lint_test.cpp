#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/migrations.hpp"
#include "support/page.hpp"
#include "support/schema_dump.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Lint : public MigrationTest {
 protected:
  Finished lint(std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"migrate", "lint", "--dir", folder()};
    all.insert(all.end(), more.begin(), more.end());
    return pgsluice(all);
  }
};

TEST_F(Lint, ThePageDoesWhatItShows) {
  if (!can_be_dumped(url())) GTEST_SKIP() << "the pg_dump that is installed is too old";
  EXPECT_GE(run_page(PGSLUICE_SOURCE_DIR "/docs/lint.md", "## The rules", db().raw()), 5);
}

TEST_F(Lint, NeedsNoServer) {
  write("001_a.sql", "create index i on t (a)");
  const Finished finished =
      pgsluice({"migrate", "lint", "--dir", folder()}, {.environment = {"PGHOST=/nowhere"}});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_THAT(finished.out, HasSubstr("001_a.sql:1:1: error: writes to t wait until the index is "
                                      "built [require-concurrent-index-creation]\n"));
}

TEST_F(Lint, ExitCodesFollowTheLevels) {
  write("001_a.sql", "alter table t add column a text; alter table t add column b text");
  EXPECT_EQ(0, lint().exit_code) << "a note";
  EXPECT_EQ(1, lint({"--fail-on", "note"}).exit_code);
  write("001_a.sql", "create table t (at timestamp)");
  EXPECT_EQ(1, lint().exit_code) << "a warning";
  EXPECT_EQ(0, lint({"--fail-on", "error"}).exit_code);
  EXPECT_EQ(0, lint({"--exclude", "prefer-timestamptz"}).exit_code);
  write("001_a.sql", "drop table t");
  EXPECT_EQ(1, lint({"--fail-on", "error"}).exit_code);
  EXPECT_EQ(0, lint({"--fail-on", "never"}).exit_code);
}

TEST_F(Lint, WrongUsageNamesTheFlag) {
  const Finished unknown = lint({"--exclude", "ban-drop-tabel"});
  EXPECT_EQ(2, unknown.exit_code);
  EXPECT_THAT(unknown.err,
              HasSubstr("--exclude: no rule is called \"ban-drop-tabel\"; did you mean "
                        "ban-drop-table?"));
  EXPECT_EQ(2, lint({"--server-version", "12"}).exit_code);
  EXPECT_EQ(2, pgsluice({"migrate", "lint", "no-such-file.sql"}).exit_code);
  const Finished json = lint({"--exclude", "x", "--output", "json"});
  EXPECT_EQ(2, nlohmann::json::parse(json.out)["exit_code"]);
}

TEST_F(Lint, JsonSaysWhatAndWhere) {
  write("001_a.sql", "select 1;\n  drop table app.t;");
  const auto json = nlohmann::json::parse(lint({"--output", "json"}).out);
  EXPECT_EQ("migrate lint", json["command"]);
  EXPECT_EQ(1, json["exit_code"]);
  EXPECT_EQ(1, json["errors"]);
  const auto& finding = json["findings"][0];
  EXPECT_EQ("ban-drop-table", finding["rule"]);
  EXPECT_EQ("error", finding["level"]);
  EXPECT_EQ(path("001_a.sql"), finding["file"]);
  EXPECT_EQ(2, finding["line"]);
  EXPECT_EQ(14, finding["column"]);
  EXPECT_EQ(2, finding["statement"]);
}

TEST_F(Lint, SarifHasTheRulesAndTheResults) {
  write("001_a b%.sql", "drop table t");
  const auto sarif = nlohmann::json::parse(lint({"--output", "sarif"}).out);
  EXPECT_EQ("2.1.0", sarif["version"]);
  const auto& run = sarif["runs"][0];
  const auto& result = run["results"][0];
  EXPECT_EQ("ban-drop-table", result["ruleId"]);
  EXPECT_EQ("ban-drop-table", run["tool"]["driver"]["rules"][result["ruleIndex"].get<int>()]["id"]);
  EXPECT_EQ("error", result["level"]);
  const auto& place = result["locations"][0]["physicalLocation"];
  EXPECT_EQ(folder() + "/001_a%20b%25.sql", place["artifactLocation"]["uri"]);
  EXPECT_EQ(1, place["region"]["startLine"]);
}

TEST_F(Lint, NobodysNamesBecomeCommandsOfAWorkflow) {
  write("001_a.sql", "drop table \"x\n::error::so\r::add-mask::y\"");
  for (const char* const format : {"github", "text"}) {
    const std::string out = lint({"--output", format}).out;
    EXPECT_THAT("\n" + out, Not(HasSubstr("\n::error::so"))) << format;
    EXPECT_THAT(out, Not(HasSubstr("\r"))) << format;
  }
}

TEST_F(Lint, PlanLintsWhatIsPending) {
  write("001_a.sql", "create table t (id bigint); alter table t rename to u");
  ASSERT_EQ(0, up().exit_code);
  write("002_b.sql", "drop table u");
  const Finished plan = migrate("plan", {"--lint"});
  EXPECT_EQ(1, plan.exit_code);
  EXPECT_THAT(plan.out, HasSubstr("002_b.sql  in one transaction\n"));
  EXPECT_THAT(plan.out, HasSubstr("[ban-drop-table]"));
  EXPECT_THAT(plan.out, HasSubstr("in 1 file\n"));
  const auto json = nlohmann::json::parse(migrate("plan", {"--lint", "--output", "json"}).out);
  EXPECT_EQ("ban-drop-table", json["lint"]["findings"][0]["rule"]);
  EXPECT_EQ(0, migrate("plan").exit_code);
}

TEST_F(Lint, UpTakesAllowedStatements) {
  write("001_a.sql",
        "-- pgsluice: allow ban-drop-table because it is new\n-- pgsluice: lock-timeout 1s\ncreate "
        "table t (id bigint);\n-- pgsluice: allow ban-drop-table because it is new\ndrop table t;");
  EXPECT_EQ(0, up().exit_code);
  write("002_b.sql", "select 1;\n-- pgsluice: lock-timeout 1s\nselect 2");
  EXPECT_EQ(2, up().exit_code) << "other directives stand in front";
  write("002_b.sql", "-- pgsluice: allow ban-drop-table\nselect 2");
  EXPECT_THAT(up().err, HasSubstr("002_b.sql:1:4: allow ban-drop-table: it needs a reason"));
}

}  // namespace
}  // namespace sluice::test
