#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/migrations.hpp"
#include "support/schema_dump.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// migrate dump and load-schema.
class MigrateSchema : public MigrationTest {
 protected:
  MigrateSchema() {
    write("001_a.sql",
          "create table a (id int primary key, name text);\n"
          "create function f() returns text language plpgsql as $$\n"
          "begin\n"
          "  -- SET is said here;\n\n\n"
          "  return 'x';\n"
          "end $$;\n"
          "create view v as select f() as f, id from a;\n");
    write("V2.1__b.sql", "alter table a add column b bigint");
    write("R__r.sql", "create or replace view r as select 1 as one");
  }
  void SetUp() override {
    if (!can_be_dumped(url())) GTEST_SKIP() << "the pg_dump that is installed is too old";
  }
  ~MigrateSchema() override { db().run("drop database if exists loaded with (force)"); }

  std::string dump(std::vector<std::string> more = {}) { return migrate("dump", more).out; }
  std::string fresh() {
    db().run("drop database if exists loaded with (force)");
    db().run("create database loaded");
    return url_of_database(url(), "loaded");
  }
  Finished load(const std::string& file, const std::string& database,
                std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"migrate", "load-schema", file, "--dir", folder(), "-d", database});
    return pgsluice(more);
  }
  Finished up_there(const std::string& database) {
    return pgsluice({"migrate", "up", "--dir", folder(), "-d", database});
  }
};

/// What a migration has closed stays closed.
TEST_F(MigrateSchema, WhoMayDoWhatIsKept) {
  url_of_new_role("\"dump \"\"reader\"");
  write("003_c.sql",
        "create function secret() returns int language sql security definer as 'select 1';\n"
        "revoke execute on function secret() from public;\n"
        "grant select, insert on a to \"dump \"\"reader\";\n"
        "insert into a values (1, 'x')");
  ASSERT_EQ(0, up().exit_code);
  const std::string file = path("schema.dump");
  const Finished dumped = migrate("dump", {file});
  ASSERT_EQ(0, dumped.exit_code) << dumped.err;
  EXPECT_THAT(dumped.err, HasSubstr("no rows are in a dump"));
  EXPECT_THAT(dumped.err, HasSubstr("into a (003_c.sql)"));
  const std::string there = fresh();
  const Finished loaded = load(file, there);
  ASSERT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("f", Session(there).value(
                     "select has_function_privilege('dump \"reader', 'secret()', 'execute')"));
  EXPECT_EQ("t",
            Session(there).value("select has_table_privilege('dump \"reader', 'a', 'select')"));

  db().run("drop database loaded with (force)");
  db().run("drop owned by \"dump \"\"reader\"; drop role \"dump \"\"reader\"");
  const std::string again = fresh();
  const Finished refused = load(file, again);
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err,
              HasSubstr("grants to roles that this server does not have: \"dump \"\"reader\""));
  EXPECT_EQ("f", Session(again).value("select to_regclass('a') is not null"));

  ASSERT_EQ(0, migrate("dump", {file, "--no-privileges"}).exit_code);
  ASSERT_EQ(0, load(file, again).exit_code);
  EXPECT_EQ("0", Session(again).value("select count(*) from a"));
}

TEST_F(MigrateSchema, AFreshDatabaseIsLikeTheOneThatWasDumped) {
  ASSERT_EQ(0, up().exit_code);
  const std::string file = path("schema.dump");
  const Finished dumped = migrate("dump", {file});
  ASSERT_EQ(0, dumped.exit_code) << dumped.err;
  EXPECT_THAT(dumped.out, HasSubstr("wrote " + file + ", with the history of 3 migrations"));
  EXPECT_THAT(migrate("dump", {file}).out, HasSubstr("as it was: " + file));
  EXPECT_EQ(0, migrate("dump", {file, "--check"}).exit_code);

  const std::string there = fresh();
  const Finished loaded = load(file, there);
  ASSERT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_THAT(loaded.out, HasSubstr("3 migrations count as applied"));
  EXPECT_EQ(schema_dump(url()), schema_dump(there));
  EXPECT_THAT(up_there(there).out, HasSubstr("nothing to do"));
  EXPECT_EQ(dump(), pgsluice({"migrate", "dump", "--dir", folder(), "-d", there}).out);

  write("003_c.sql", "create table c (id int)");
  EXPECT_THAT(up_there(there).out, HasSubstr("applied " + path("003_c.sql")));
  const Finished twice = load(file, there);
  EXPECT_EQ(2, twice.exit_code);
  EXPECT_THAT(twice.err, HasSubstr("this database is not new: its history begins with 001_a.sql"));
}

/// What changes with the version, the hour or the machine is not in it; what people wrote is.
TEST_F(MigrateSchema, ADumpHasNoNoise) {
  ASSERT_EQ(0, up().exit_code);
  const std::string text = dump();
  EXPECT_THAT(text, StartsWith("set check_function_bodies = false;\n"));
  for (const char* const noise : {"Dumped", "restrict", "-- Name", "pgsluice",
                                  "transaction_timeout", "default_table_access_method", "\n\n\n\n"})
    EXPECT_THAT(text, Not(HasSubstr(noise)));
  EXPECT_THAT(text, HasSubstr("  -- SET is said here;\n\n\n  return 'x';"));
  EXPECT_THAT(text, HasSubstr("\n-- history:\n-- applied 1 "));
  EXPECT_THAT(text, HasSubstr(" 001_a.sql\n-- applied 2.1 "));
  EXPECT_EQ(text, dump());
  const auto json = nlohmann::json::parse(dump({"--output", "json"}));
  EXPECT_EQ(text, json["schema"]);
}

TEST_F(MigrateSchema, CheckSaysWhereTheFileIsAnother) {
  ASSERT_EQ(0, up().exit_code);
  const std::string file = path("schema.dump");
  const Finished none = migrate("dump", {file, "--check"});
  EXPECT_EQ(7, none.exit_code);
  EXPECT_THAT(none.err, HasSubstr("schema.dump: is not there"));
  ASSERT_EQ(0, migrate("dump", {file}).exit_code);
  db().run("create table by_hand (id int)");
  const Finished other = migrate("dump", {file, "--check"});
  EXPECT_EQ(7, other.exit_code);
  EXPECT_THAT(other.err, HasSubstr("is not the schema of this database from here on"));
  EXPECT_EQ(2, migrate("dump", {"--check"}).exit_code);
  const Finished nowhere = migrate("dump", {path("no/such/folder.dump")});
  EXPECT_EQ(1, nowhere.exit_code);
  EXPECT_THAT(nowhere.err, HasSubstr("No such file or directory"));
}

TEST_F(MigrateSchema, IsLoadedWholeOrNotAtAll) {
  ASSERT_EQ(0, up().exit_code);
  const std::string text = dump();
  const std::size_t history = text.find("-- history:");
  write("broken.dump", text.substr(0, history) + "select nonsense;\n\n" + text.substr(history));
  const std::string there = fresh();
  const Finished broken = load(path("broken.dump"), there);
  EXPECT_EQ(1, broken.exit_code);
  EXPECT_THAT(broken.err, HasSubstr("nothing of this file is applied"));
  Session session(there);
  EXPECT_EQ("f", session.value("select to_regclass('public.a') is not null"));
  EXPECT_EQ(0,
            session.number("select count(*) from pgsluice.migrations where project = 'default'"));

  const struct {
    std::string text;
    const char* said;
  } wrong[] = {
      {text.substr(0, history), "has no history at its end"},
      {text + "-- applied x\n", "is no line of a history"},
      {text + "-- applied 7 abc 007_x.sql\n", "is no line of a history"},
      {text + "select 1;\n", "is no line of a history"},
      {text + "-- baseline 7 x\n", "is no line of a history"},
      {text + "-- applied 99999999999999999999999999 gone x.sql\n", "is no line of a history"},
  };
  for (const auto& one : wrong) {
    write("wrong.dump", one.text);
    const Finished refused = load(path("wrong.dump"), there);
    EXPECT_EQ(2, refused.exit_code);
    EXPECT_THAT(refused.err, HasSubstr(one.said));
  }
  // One version twice is refused by the history itself, and so is all.
  const std::size_t line = text.find("-- applied 1 ");
  write("twice.dump", text + text.substr(line, text.find('\n', line) + 1 - line));
  EXPECT_EQ(1, load(path("twice.dump"), there).exit_code);
  EXPECT_EQ("f", session.value("select to_regclass('public.a') is not null"));
  write("good.dump", text);
  EXPECT_EQ(0, load(path("good.dump"), there).exit_code);
}

TEST_F(MigrateSchema, IsRefusedWhereThereIsSomething) {
  ASSERT_EQ(0, up().exit_code);
  write("schema.dump", dump());
  for (const char* const sql :
       {"create table t (id int)", "create view w as select 1 as one", "create sequence s",
        "create function g() returns int language sql as 'select 1'", "create schema other",
        "create type e as enum ('a')"}) {
    SCOPED_TRACE(sql);
    const std::string there = fresh();
    Session(there).run(sql);
    const Finished refused = load(path("schema.dump"), there);
    EXPECT_EQ(2, refused.exit_code);
    EXPECT_THAT(refused.err, HasSubstr("this database is not new: it has "));
    EXPECT_EQ("f", Session(there).value("select to_regnamespace('pgsluice') is not null"));
  }
  const std::string there = fresh();
  Session(there).run("create extension citext; comment on schema public is 'mine'");
  const Finished done = load(path("schema.dump"), there);
  EXPECT_EQ(0, done.exit_code) << done.err;
}

TEST_F(MigrateSchema, AHalfAppliedFileIsNotDumped) {
  write("003_half.sql", "-- pgsluice: no-transaction\nselect 1;\nselect nonsense;\n");
  EXPECT_EQ(1, up().exit_code);
  const Finished refused = migrate("dump");
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("003_half.sql: has not ended"));
}

}  // namespace
}  // namespace sluice::test
