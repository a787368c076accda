#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/migrations.hpp"
#include "support/one_of_each_kind.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using Json = nlohmann::json;

/// migrate verify.
class MigrateVerify : public MigrationTest {
 protected:
  MigrateVerify() {
    write("001_all.sql", one_of_each_kind);
    write("002_b.sql", "create table b (id int)");
    write("R__r.sql", "create or replace view r as select 1 as one");
    const Finished done = up();
    EXPECT_EQ(0, done.exit_code) << done.err;
  }
  Json verify(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--output", "json"});
    last_ = migrate("verify", more);
    return Json::parse(last_.out);
  }
  const Finished& last() const { return last_; }
  int scratch_databases() {
    return static_cast<int>(
        db().number("select count(*) from pg_database where datname like 'pgsluice_scratch%'"));
  }

 private:
  Finished last_;
};

TEST_F(MigrateVerify, WhatTheFilesMakeIsThere) {
  const Json json = verify();
  EXPECT_EQ(0, last().exit_code) << last().err;
  EXPECT_EQ(3, json["built"]);
  EXPECT_EQ(Json::array(), json["differences"]) << json.dump(2);
  EXPECT_EQ(0, scratch_databases());
  const Finished text = migrate("verify");
  EXPECT_THAT(text.out, HasSubstr("built from nothing: 3 files of "));
  EXPECT_THAT(text.out, HasSubstr("the database is what its files make"));
}

TEST_F(MigrateVerify, SaysItInWordsLineByLine) {
  db().run(
      "create or replace function app.f() returns trigger language plpgsql as $$\nbegin\n  return "
      "null;\nend $$; drop table b; create table \"x\ny\" (id int)");
  const Finished said = migrate("verify");
  EXPECT_EQ(7, said.exit_code);
  EXPECT_THAT(said.out,
              HasSubstr("function app.f(): differs\n  files    (line 6):   return new;\n  "
                        "database (line 6):   return null;\n"));
  EXPECT_THAT(said.out, HasSubstr("table public.b: the files make it, and the database has none"));
  EXPECT_THAT(said.out, HasSubstr("and no file makes it\n"));
  EXPECT_THAT(said.out, Not(HasSubstr("\"x\ny\""))) << "what others have named is written out";
  EXPECT_THAT(said.out, Not(HasSubstr("public.b.id"))) << "what goes with it is not told again";
  EXPECT_THAT(said.err, HasSubstr("the database is not what its files make: 3 differences"));
}

/// What up has still to do is no difference, and must build too.
TEST_F(MigrateVerify, WhatIsPendingIsBuiltButNotCompared) {
  write("003_c.sql", "create table c (id int)");
  write("R__s.sql", "create or replace view s as select 1 as one");
  const Json json = verify();
  EXPECT_EQ(0, last().exit_code) << json.dump(2);
  EXPECT_EQ(5, json["built"]);
  EXPECT_EQ(2U, json["pending"].size());
  write("004_d.sql", "select 1;\nselect nonsense");
  const Json failed = verify();
  EXPECT_EQ(1, last().exit_code);
  EXPECT_THAT(
      failed["error"]["message"].get<std::string>(),
      HasSubstr("verify: the files do not build from nothing: " + path("004_d.sql") + ":2:8: "));
  EXPECT_EQ(0, scratch_databases());
  EXPECT_FALSE(has_table("c"));
}

TEST_F(MigrateVerify, OnlyBuildsWhereNothingIsToBeCompared) {
  db().run("drop table b");
  const Json json = verify({"--build-only"});
  EXPECT_EQ(0, last().exit_code);
  EXPECT_EQ(3, json["built"]);
  EXPECT_EQ(false, json["compared"]);
}

TEST_F(MigrateVerify, RefusesDriftAndWhatReachesBeyondTheDatabase) {
  for (const char* const sql :
       {"create role nobody_new", "alter system set work_mem = '5MB'", "create database x",
        "grant pg_monitor to current_user", "alter database postgres set work_mem = '5MB'",
        "comment on role postgres is 'x'", "-- pgsluice: no-transaction\ndrop database x"}) {
    SCOPED_TRACE(sql);
    write("003_c.sql", sql);
    verify();
    EXPECT_EQ(2, last().exit_code);
    EXPECT_THAT(last().err, HasSubstr(path("003_c.sql") + ":"));
    EXPECT_THAT(last().err, HasSubstr("changes what all databases of the server share"));
  }
  write("003_c.sql", "create user mapping if not exists for current_user server nothing");
  verify();
  EXPECT_EQ(1, last().exit_code) << "that is not beyond";
  // Where it is said that nobody else is there, a file may.
  write("003_c.sql", "alter role current_user set work_mem = '5MB'");
  const Json json = verify({"--scratch-url", url()});
  EXPECT_EQ(0, last().exit_code) << last().err;
  db().run("alter role current_user reset work_mem");
  write("001_all.sql", "select 1");
  verify();
  EXPECT_EQ(7, last().exit_code);
  EXPECT_THAT(last().err, HasSubstr("was edited after it was applied"));
}

/// Who may make databases need not be a superuser, and nobody else gets in.
TEST_F(MigrateVerify, WorksForAUserWhoMayMakeDatabases) {
  db().run("drop schema app cascade; drop view r; drop table b; drop schema pgsluice cascade");
  write("001_all.sql", "create table a (id int)");
  const std::string mine = url_of_new_role("builder");
  db().run("grant create on database \"" + db().value("select current_database()") +
           "\" to builder; grant create on schema public to builder");
  const auto run = [&](const char* command) {
    return pgsluice({"migrate", command, "--dir", folder(), "-d", mine});
  };
  ASSERT_EQ(0, run("up").exit_code);
  const Finished refused = run("verify");
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("It wants a user who may (CREATEDB)"));
  db().run("alter role builder createdb");
  write("002_b.sql",
        "do $$ begin if has_database_privilege('pg_monitor', current_database(), 'connect') then "
        "raise 'open'; end if; end $$");
  write("001_all.sql", "create table a (id int)");
  db().run("delete from pgsluice.migrations where version = 2 and project = 'default'");
  const Finished done = run("verify");
  EXPECT_THAT(done.err, Not(HasSubstr("open"))) << done.err;
  db().run("drop owned by builder cascade; drop role builder");
}

TEST_F(MigrateVerify, FindsThingsWhereTheSearchPathLeads) {
  db().run(
      "create schema tenant; drop schema app cascade; drop view r; drop table b; delete from "
      "pgsluice.migrations where project = 'default'");
  write("001_all.sql", "create table a (id int)");
  const std::string there = url() + "?options=-csearch_path%3Dtenant";
  ASSERT_EQ(0, pgsluice({"migrate", "up", "--dir", folder(), "-d", there}).exit_code);
  db().run("drop schema if exists other");
  const Finished done = pgsluice({"migrate", "verify", "--dir", folder(), "-d", there});
  EXPECT_EQ(0, done.exit_code) << done.out << done.err;
}

}  // namespace
}  // namespace sluice::test
