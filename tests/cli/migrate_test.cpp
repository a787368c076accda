#include <gmock/gmock.h>

#include <filesystem>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "script/history.hpp"
#include "script/sql_lexer.hpp"
#include "support/migrations.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Migrate : public MigrationTest {};

TEST_F(Migrate, EachFileRunsOnceInOrder) {
  write("V10__third.sql", "insert into t values (3)");
  write("002_second.sql", "insert into t values (2);");
  write("1_first.up.sql", "create table t (id int, n int generated always as identity);");
  write("1_first.down.sql", "drop table t;");
  write("R__view.sql", "create or replace view v as select * from t;");
  write("notes.txt", "not for the database");
  const Finished first = up();
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_THAT(first.out, HasSubstr("applied " + path("1_first.up.sql") + " in "));
  EXPECT_EQ("1 applied, 2 applied, 10 applied, R__view.sql applied", history());
  EXPECT_EQ("2,3", db().value("select string_agg(id::text, ',' order by n) from t"));

  const Finished second = up();
  EXPECT_EQ(0, second.exit_code);
  EXPECT_THAT(second.out, HasSubstr("nothing to do"));
  EXPECT_EQ(2, db().number("select count(*) from t"));
}

TEST_F(Migrate, RepeatableRunsAgainWhenItChanges) {
  write("R__view.sql", "create or replace view v as select 1 as one;");
  ASSERT_EQ(0, up().exit_code);
  write("R__view.sql", "create or replace view v as select 2 as one;");
  const Finished status = migrate("status");
  EXPECT_EQ(10, status.exit_code);
  EXPECT_THAT(status.out, HasSubstr("pending   R__view.sql"));
  ASSERT_EQ(0, up().exit_code);
  EXPECT_EQ("2", db().value("select one from v"));
  EXPECT_EQ("R__view.sql applied", history());
}

TEST_F(Migrate, StatusSaysWhatIsPendingByItsExitCode) {
  write("001_a.sql", "create table a (id int)");
  const Finished before = migrate("status");
  EXPECT_EQ(10, before.exit_code);
  EXPECT_EQ("f", db().value("select to_regnamespace('pgsluice') is not null"))
      << "asking changes nothing";
  ASSERT_EQ(0, up().exit_code);
  write("002_b.sql", "create table b (id int)");
  const auto json = nlohmann::json::parse(migrate("status", {"--output", "json"}).out);
  EXPECT_EQ(10, json["exit_code"]);
  EXPECT_EQ(1, json["pending"]);
  EXPECT_EQ("applied", json["migrations"][0]["state"]);
  EXPECT_EQ("pending", json["migrations"][1]["state"]);
  EXPECT_EQ(2, json["migrations"][1]["version"]);
  ASSERT_EQ(0, up().exit_code);
  EXPECT_EQ(0, migrate("status").exit_code);
}

TEST_F(Migrate, PlanListsWhatUpWouldRun) {
  write("001_a.sql", "create table a (id int)");
  write("002_b.sql", "-- pgsluice: no-transaction\nvacuum");
  const Finished plan = migrate("plan");
  EXPECT_EQ(0, plan.exit_code);
  EXPECT_THAT(plan.out, HasSubstr("001_a.sql  in one transaction\n"));
  EXPECT_THAT(plan.out, HasSubstr("002_b.sql  statement by statement\n"));
  EXPECT_THAT(migrate("plan", {"--to", "1"}).out, Not(HasSubstr("002_b.sql")));
}

TEST_F(Migrate, ToEndsThereAndRepeatableOnesWait) {
  write("001_a.sql", "create table a (id int)");
  write("002_b.sql", "create table b (id int)");
  write("R__v.sql", "create or replace view v as select * from b");
  const Finished first = up({"--to", "1"});
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_THAT(first.err, HasSubstr("repeatable migrations wait until no version is pending"));
  EXPECT_EQ("1 applied", history());
  EXPECT_EQ(2, up({"--to", "7"}).exit_code);
  ASSERT_EQ(0, up().exit_code);
  EXPECT_EQ("1 applied, 2 applied, R__v.sql applied", history());
}

TEST_F(Migrate, DryRunIsRolledBack) {
  write("001_a.sql", "create table a (id int)");
  write("002_b.sql", "-- pgsluice: no-transaction\ncreate index concurrently a_id on a (id)");
  write("003_c.sql", "insert into a values (1)");
  const Finished dry = up({"--dry-run"});
  EXPECT_EQ(0, dry.exit_code) << dry.err;
  EXPECT_THAT(dry.out, HasSubstr("would apply " + path("003_c.sql")));
  EXPECT_THAT(dry.err, HasSubstr("002_b.sql: not tried, as it cannot be rolled back"));
  EXPECT_FALSE(has_table("a"));
  EXPECT_EQ("f", db().value("select to_regnamespace('pgsluice') is not null"));
  write("004_d.sql", "insert into a values ('x')");
  const Finished failed = up({"--dry-run"});
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("004_d.sql:1:23: invalid input syntax for type integer"));
}

TEST_F(Migrate, EditedMissingAndOutOfOrderStopBeforeAnythingRuns) {
  write("001_a.sql", "create table a (id int)");
  write("003_c.sql", "create table c (id int)");
  ASSERT_EQ(0, up().exit_code);
  write("001_a.sql", "create table a (id bigint)");
  write("002_b.sql", "create table b (id int)");
  write("004_d.sql", "create table d (id int)");
  ASSERT_EQ(0, std::remove(path("003_c.sql").c_str()));
  const Finished refused = up();
  EXPECT_EQ(7, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("001_a.sql: was edited after it was applied"));
  EXPECT_THAT(refused.err, HasSubstr("pgsluice migrate repair --accept 1"));
  EXPECT_THAT(refused.err, HasSubstr("002_b.sql: is not applied, but a later one is (003_c.sql)"));
  EXPECT_THAT(refused.err, HasSubstr("003_c.sql: was applied"));
  EXPECT_EQ(7, migrate("status").exit_code);
  EXPECT_EQ(7, migrate("plan").exit_code);
  EXPECT_EQ("1 applied, 3 applied", history());

  EXPECT_EQ(0, migrate("repair", {"--accept", "1"}).exit_code);
  EXPECT_THAT(migrate("repair", {"--accept", "3"}).out,
              HasSubstr("accepted that the file is gone"));
  EXPECT_EQ(2, migrate("repair", {"--accept", "3"}).exit_code);
  EXPECT_EQ(2, migrate("repair", {"--accept", "99"}).exit_code);
  write("002_b.sql", "-- pgsluice: out-of-order\ncreate table b (id int)");
  const Finished mended = up();
  EXPECT_EQ(0, mended.exit_code) << mended.err;
  EXPECT_TRUE(has_table("b") && has_table("d"));
}

TEST_F(Migrate, LineEndsAndByteOrderMarkDoNotCount) {
  write("001_a.sql",
        "\xEF\xBB\xBF"
        "create table a (id int);\r\ninsert into a\r\nvalues (1);\r\n");
  ASSERT_EQ(0, up().exit_code);
  EXPECT_EQ(1, db().number("select count(*) from a"));
  write("001_a.sql", "create table a (id int);\ninsert into a\nvalues (1);\n");
  EXPECT_EQ(0, migrate("status").exit_code);
}

TEST_F(Migrate, WhatIsWrongWithFilesIsSaidAtOnce) {
  write("V1_one_underscore.sql", "select 1");
  write("002_a.sql", "select 1");
  write("V2__b.sql", "select 1");
  write("003_c.sql", "-- pgsluice: no-transactoin\nselect 1");
  write("004_d.sql", "-- pgsluice: schedule \"@daily\"\nselect 1");
  const Finished refused = up();
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("\"V1_one_underscore.sql\" is no name of a migration"));
  EXPECT_THAT(refused.err, HasSubstr("V2__b.sql: has the version of 002_a.sql"));
  EXPECT_THAT(refused.err, HasSubstr("003_c.sql:1:4: unknown directive \"no-transactoin\"; did "
                                     "you mean no-transaction?"));
  EXPECT_THAT(refused.err, HasSubstr("004_d.sql:1: only a file named S__name.sql has a schedule"));
  EXPECT_EQ(2, pgsluice({"migrate", "up", "--dir", "/nowhere", "-d", url()}).exit_code);
}

TEST_F(Migrate, WhatWouldBeCutOffOrLeftOutIsSaid) {
  using namespace std::string_literals;
  std::filesystem::create_directory(path("inside"));
  write("inside/001_a.sql", "select 1");
  const Finished left_out = up();
  EXPECT_EQ(0, left_out.exit_code);
  EXPECT_THAT(left_out.err, HasSubstr("inside: a folder inside is left out"));
  write("001_a.sql", "create table a (id int);\n\0 select 1"s);
  write("002_b.sql", "\xFF\xFEs\0e\0l\0e\0c\0t\0 \0001\0"s);
  write("003_c.SQL", "select 1");
  const Finished refused = up();
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("001_a.sql:2: a byte 0 stands here"));
  EXPECT_THAT(refused.err, HasSubstr("002_b.sql: is UTF-16; save it as UTF-8"));
  EXPECT_THAT(refused.err, HasSubstr("\"003_c.SQL\" is no name of a migration: write its ending"));
  EXPECT_FALSE(has_table("a"));
}

TEST_F(Migrate, WhatIsNearlyAMigrationIsSaid) {
  const Finished empty = up();
  EXPECT_EQ(0, empty.exit_code);
  EXPECT_THAT(empty.out, HasSubstr(folder() + " has no migration\n"));
  EXPECT_THAT(empty.err, Not(HasSubstr("no migrations")));
  for (const char* const name :
       {"V1__x.sql ", "V2__y.sql.bak", "003_z.psql", "README.md", ".x.sql.swp"})
    write(name, "select 1");
  const Finished said = up();
  EXPECT_EQ(0, said.exit_code);
  EXPECT_THAT(said.err,
              HasSubstr("no migrations, as their names do not end in .sql: \"003_z.psql\", "
                        "\"V1__x.sql \", \"V2__y.sql.bak\"\n"));
  write("004_a.sql", "select 1");
  ASSERT_EQ(0, up().exit_code);
  EXPECT_THAT(up().out, HasSubstr("nothing to do: all files of "));
}

/// docs/json.md has one form of it.
TEST_F(Migrate, TimesDoNotFollowTheDateStyle) {
  write("001_a.sql", "select 1");
  ASSERT_EQ(0, up().exit_code);
  db().run(
      "update pgsluice.migrations set started_at = '2025-02-01 03:04:05.678+00', finished_at = "
      "'2025-02-01 03:04:05.678+00'; do $$ begin execute format('alter database %I set datestyle = "
      "german', current_database()); execute format('alter database %I set timezone = "
      "''Asia/Kolkata''', current_database()); end $$");
  EXPECT_THAT(migrate("status", {"--output", "json"}).out,
              HasSubstr("\"2025-02-01 08:34:05+05:30\""));
}

struct Refused {
  std::string sql;
  std::string message;
};

TEST_F(Migrate, WhatOnlyPsqlUnderstandsIsRefusedWithItsLine) {
  write("001_a.sql", "create table a (id int)");
  for (const Refused& one : std::vector<Refused>{
           {"select 1;\n\\i other.sql\n", "002_b.sql:2:1: \\i: a command of psql"},
           {"select 1;\n  begin;\nselect 2;", "002_b.sql:2:3: BEGIN: the whole file is one "},
           {"select 1;\ncommit", "002_b.sql:2:1: COMMIT: the whole file is one "},
           {"select 1;\n\\connect - other\n",
            "002_b.sql:2:1: \\connect: a command of psql, which no server knows; give each "
            "database "
            "a folder of its own"},
           {"select 1;\n\\.\n",
            "002_b.sql:2:1: \\.: a command of psql, which no server knows; no "
            "data of a COPY is open here"},
           {"copy a from stdin;\n1\n\n", "002_b.sql:1:1: the data of this COPY has no end"},
           {"copy a from stdin; select 1;\n1\n\\.\n", "002_b.sql:1:1: COPY FROM STDIN needs data"},
           {"-- pgsluice: no-transaction\nbegin;\ncopy a from stdin;\n1\n\\.\ncommit;\n",
            "002_b.sql:3:1: a COPY with data stands by itself"},
           {"copy a (id) from stdin (format csv);", "002_b.sql:1:1: COPY FROM STDIN needs data"},
           {"copy a to stdout; select 1/0;", "002_b.sql:1:1: COPY FROM STDIN needs data"},
           {"select 'open;\n", "002_b.sql:1:8: this quote, dollar tag or comment has no end"},
           {"select 1;\n  -- pgsluice: no-transaction\n",
            "002_b.sql:2:6: directives stand in front"},
           {"-- pgsluice: no-transaction\nbegin;\nselect 1", "002_b.sql:2:1: this transaction is"},
           {"-- pgsluice: no-transaction\nselect 1;\ncommit", "002_b.sql:3:1: no transaction is"},
       }) {
    write("002_b.sql", one.sql);
    const Finished refused = up();
    EXPECT_EQ(2, refused.exit_code) << one.sql;
    EXPECT_THAT(refused.err, HasSubstr(one.message));
  }
  EXPECT_FALSE(has_table("a")) << "said before anything runs";
}

TEST_F(Migrate, PlaceholdersAreFilledInWhereTheyAreDeclared) {
  write("001_a.sql",
        "-- pgsluice: placeholder owner\n-- pgsluice: placeholder limit\n"
        "create table :\"owner\" (name text default :'owner', n int check (n < ${limit}));\n"
        "comment on table :\"owner\" is '${limit} and ${other} and :''owner''';");
  EXPECT_THAT(up().err, HasSubstr("placeholder \"owner\" has no value; give --placeholder owner="));
  const Finished mistyped = up({"--placeholder", "onwer=x"});
  EXPECT_EQ(2, mistyped.exit_code);
  EXPECT_THAT(mistyped.err, HasSubstr("no file declares it; did you mean owner?"));
  const Finished done = up({"--placeholder", "owner=it's \"me\"", "--placeholder", "limit=10"});
  ASSERT_EQ(0, done.exit_code) << done.err;
  db().run("insert into \"it's \"\"me\"\"\" (n) values (9)");
  EXPECT_EQ("it's \"me\"", db().value("select name from \"it's \"\"me\"\"\""));
  EXPECT_EQ("10 and ${other} and :'owner'",
            db().value("select obj_description('\"it''s \"\"me\"\"\"'::regclass)"));
}

TEST_F(Migrate, NothingOfOneFileIsLeftForTheNext) {
  write("001_a.sql", "create schema s; set search_path = s; set role " +
                         db().value("select quote_ident(current_user)") +
                         "; create temp table x (id int); create table in_s (id int); select "
                         "pg_catalog.set_config('search_path', '', false)");
  write("002_b.sql", "create table in_public (id int); create temp table x (id int)");
  const Finished done = up();
  EXPECT_EQ(0, done.exit_code) << done.err;
  EXPECT_TRUE(has_table("in_public"));
  EXPECT_TRUE(has_table("s.in_s"));
}

TEST_F(Migrate, FileMaySetItsOwnTransactionsMode) {
  db().run("create table seen (mode text)");
  write("001_a.sql", "create temp table left_over (id int)");
  write("002_b.sql",
        "set transaction isolation level serializable;\n"
        "insert into seen values (current_setting('transaction_isolation'));");
  const Finished finished = up();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ("serializable", db().value("select mode from seen"));
}

TEST_F(Migrate, BaselineSkipsWhatIsThere) {
  write("001_a.sql", "create table a (id int)");
  write("002_b.sql", "create table b (id int)");
  EXPECT_EQ(0, pgsluice({"migrate", "baseline", "1", "-d", url()}).exit_code);
  EXPECT_EQ(0, pgsluice({"migrate", "baseline", "1", "-d", url()}).exit_code);
  ASSERT_EQ(0, up().exit_code);
  EXPECT_FALSE(has_table("a"));
  EXPECT_TRUE(has_table("b"));
  EXPECT_EQ(2, pgsluice({"migrate", "baseline", "2", "-d", url()}).exit_code);
}

TEST_F(Migrate, ProjectsShareADatabase) {
  write("001_a.sql", "create table a (id int)");
  ASSERT_EQ(0, up().exit_code);
  write("001_a.sql", "create table a2 (id int)");
  EXPECT_EQ(7, up().exit_code);
  EXPECT_EQ(0, up({"--project", "other"}).exit_code);
  EXPECT_TRUE(has_table("a2"));
}

TEST_F(Migrate, NewFollowsTheFolder) {
  const auto made = [this](const std::string& name) {
    return pgsluice({"migrate", "new", name, "--dir", path("")}).out;
  };
  EXPECT_THAT(made(" Add \n users!"), ::testing::ContainsRegex("/V20[0-9]{12}__add_users.sql\n"));
  made("add users");  // in the same second
  EXPECT_EQ(2, pgsluice({"migrate", "new", "!", "--dir", path("")}).exit_code);
  EXPECT_EQ(0, up().exit_code);
  EXPECT_EQ(2, db().number("select count(*) from pgsluice.migrations where project = 'default'"));
  const TemporaryFolder counted;
  counted.write("007_x.up.sql", "select 1");
  const Finished next = pgsluice({"migrate", "new", "y", "--dir", counted.path()});
  EXPECT_THAT(next.out, HasSubstr("/008_y.up.sql, "));
}

TEST_F(Migrate, NoticesAreHeard) {
  write("001_n.sql", "do $$ begin raise notice 'hello'; end $$;\n");
  EXPECT_THAT(up().err, HasSubstr("note: " + path("001_n.sql") + ": NOTICE:  hello\n"));
}

/// SQL that holds semicolons, quotes and comments where no statement ends.
class RandomSql {
 public:
  std::string statements(int count) {
    std::string text = "-- pgsluice: no-transaction\n";
    for (int i = 0; i < count; ++i) text += between() + statement() + pick({"", " ", "\n"}) + ";";
    return text + between();
  }

 private:
  std::string pick(const std::vector<std::string>& of) { return of[random_() % of.size()]; }
  std::string between() {
    return pick({"", " ", "\n", "\r\n", " -- ; it's\n", "/* ; ' */", "/* /* ; */ $$ */\n", ";;"});
  }
  std::string value() {
    return pick({"'a;b'",
                 "'it''s; \\'",
                 "E'\\';\\\\'",
                 "e'\\\\\\';'",
                 "$$;'$$",
                 "$t$ $$;$$ $t$",
                 "$x$--$x$",
                 "/* ; ' */ 1",
                 "/* /* ; */ ' */ 2",
                 "-- ; it's\n 3",
                 "(select 4)",
                 "U&'\\0041;'",
                 "'5'::text",
                 "B'1'",
                 "'a'\n';b'",
                 "(/* ( */ 6)",
                 "7 -- $$\n",
                 "case when true then 8 else 9 end",
                 "(select \"a;$$\" from (select 1) v (\"a;$$\"))",
                 "array[1, 2]",
                 "1e5",
                 "'$$'",
                 "'/*'",
                 "'--'",
                 "\"left\"('x;', 1)",
                 "n'--'"});
  }
  std::string statement() {
    if (random_() % 4 == 0) {
      return pick(
          {"do $d$ begin perform ';'; end $d$",
           "create or replace function f() returns int language sql begin atomic select 1; select "
           "case when true then 1 end; end",
           "create or replace function f() returns int language sql as $f$ select 1; select 2 $f$",
           "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC; INSERT INTO seen VALUES (';'); END",
           "create or replace rule r as on update to seen do also (select 1; select ';')"});
    }
    std::string values = value();
    for (auto more = random_() % 4; more > 0; --more) values += between_tokens() + value();
    return "insert into seen select current_query() from (values (" + values + ")) v";
  }
  std::string between_tokens() { return pick({",", ", ", "\n,", ",/*;*/ ", ",--;\n"}); }

  std::mt19937 random_{17};
};

TEST_F(Migrate, StatementsAreCutAsPsqlCutsThem) {
  db().run("create table seen (query text, n int generated always as identity)");
  // What a server got, without the comments and blanks around it; psql drops empty lines.
  const auto seen = [this] {
    std::vector<std::string> queries;
    for (const auto& row : db().rows("select query from seen order by n")) {
      const script::Lexed lexed = script::lex_sql(row[0]);
      EXPECT_EQ(1U, lexed.statements.size()) << row[0];
      const script::Statement& s = lexed.statements.at(0);
      std::string& query = queries.emplace_back(row[0].substr(s.begin, s.end - s.begin));
      const auto both = [](char a, char b) { return a == '\n' && b == '\n'; };
      query.erase(std::unique(query.begin(), query.end(), both), query.end());
    }
    db().run("truncate seen");
    return queries;
  };
  RandomSql sql;
  for (int file = 0; file < 20; ++file) {
    write("x.sql", sql.statements(100));
    Process psql({"-q", "-X", "-v", "ON_ERROR_STOP=1", "-f", path("x.sql"), url()},
                 {.input = "", .environment = {}, .program = "psql"});
    const Finished by_psql = psql.wait();
    ASSERT_EQ(0, by_psql.exit_code) << by_psql.err;
    const std::vector<std::string> expected = seen();
    const Finished ours = pgsluice({"migrate", "run", path("x.sql"), "-d", url()});
    ASSERT_EQ(0, ours.exit_code) << ours.err;
    ASSERT_EQ(expected, seen());
    EXPECT_GT(expected.size(), 50U);
  }
}

TEST_F(Migrate, StatementWithoutAWordFailsAsOthersDo) {
  write("001_a.sql", "-- pgsluice: no-transaction\nselect 1;\n'x'");
  const Finished failed = up();
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("001_a.sql:3:1: statement 2 of 2: syntax error at or near"));
  EXPECT_THAT(failed.err, Not(HasSubstr("WARNING"))) << "of the rollback";
}

TEST_F(Migrate, RunsAFileOfAnyName) {
  write("refresh.sql", "create table refreshed (id int)");
  EXPECT_EQ(0, pgsluice({"migrate", "run", path("refresh.sql"), "-d", url()}).exit_code);
  EXPECT_TRUE(has_table("refreshed"));
}

TEST_F(Migrate, RunsOneFileWithoutARecord) {
  write("S__tick.sql", "-- pgsluice: schedule \"@every 5s\"\ninsert into t values (1)");
  db().run("create table t (id int)");
  EXPECT_EQ(0, up().exit_code);
  EXPECT_EQ(0, db().number("select count(*) from t")) << "scheduled ones do not run in between";
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(0, pgsluice({"migrate", "run", path("S__tick.sql"), "-d", url()}).exit_code);
  EXPECT_EQ(2, db().number("select count(*) from t"));
}

TEST_F(Migrate, OwnSchemaIsAProjectOfTheSameHistory) {
  write("001_a.sql", "create table a (id int)");
  ASSERT_EQ(0, up().exit_code);
  std::string files;
  for (const std::string& file : ledger_files())
    files += (files.empty() ? "" : ",") + std::filesystem::path(file).filename().string();
  EXPECT_EQ(files,
            db().value("select string_agg(file, ',' order by version) from pgsluice.migrations "
                       "where project = 'pgsluice'"));
}

TEST_F(Migrate, JsonIsOneObjectAlsoOnFailure) {
  write("001_a.sql", "create table a (id int)");
  write("002_b.sql", "select 1/0");
  const Finished failed = up({"--output", "json"});
  const auto json = nlohmann::json::parse(failed.out);
  EXPECT_EQ(1, json["exit_code"]);
  EXPECT_EQ(1U, json["applied"].size());
  EXPECT_THAT(json["error"]["message"].get<std::string>(), HasSubstr("division by zero"));
}

}  // namespace
}  // namespace sluice::test
