#include <gmock/gmock.h>

#include "support/migrations.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Files that end the transaction that they are to be.
class MigrateTransaction : public MigrationTest {
 protected:
  MigrateTransaction() { db().run("create table t (i int)"); }

  /// Behind the data the server takes quotes for other ones than we do: it sees what stands in them
  /// here.
  static std::string hidden(const std::string& sql) {
    return "create table aa (i int);\nset standard_conforming_strings = off;\n"
           "copy t from stdin;\n1\n\\.\nselect 'x\\''; " +
           sql + " --';";
  }
  static constexpr const char* said = "has itself ended the transaction that it was to be";
};

TEST_F(MigrateTransaction, WhatStandsBehindABodyIsSeen) {
  const std::string first = "create table aa (i int);\n";
  const struct {
    std::string sql;
    const char* said;
  } cases[] = {
      {"create function f() returns int language sql begin atomic select 1 as case; end;\n" +
           first + "rollback; create table bb (i int);",
       "V1__a.sql:3:1: ROLLBACK: the whole file is one transaction already"},
      {"create schema q; create function q.begin() returns int language sql as 'select 1';\n" +
           first + "commit; create table bb (i int); select 1/0;",
       "V1__a.sql:3:1: COMMIT: the whole file is one transaction already"},
      {"create function f() returns int language sql\nbegin atomic select 1;\n" + first +
           "rollback;",
       "V1__a.sql:2:7: this BEGIN ATOMIC has no END"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.sql);
    write("V1__a.sql", one.sql);
    for (const Finished& finished : {up(), up({"--dry-run"}), migrate("plan", {"--trace"})}) {
      EXPECT_EQ(2, finished.exit_code) << finished.out;
      EXPECT_THAT(finished.err, HasSubstr(one.said));
    }
    EXPECT_FALSE(has_table("aa"));
  }
}

TEST_F(MigrateTransaction, NamesThatOpenABodyElsewhereRun) {
  write("V1__a.sql",
        "create schema q; create function q.begin() returns int language sql begin atomic select 1 "
        "as end; select case when true then 2 end as case; end; create table aa (i int);");
  if (db().number("show server_version_num") < 140000) GTEST_SKIP();
  const Finished finished = up();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_TRUE(has_table("aa"));
}

TEST_F(MigrateTransaction, IsNeverSaidToBeApplied) {
  for (const std::string end : {"rollback;", "commit;", "commit; begin;", "commit; select 1/0;"}) {
    SCOPED_TRACE(end);
    write("V1__a.sql", hidden(end + " create table bb (i int);"));
    const Finished finished = up();
    EXPECT_EQ(1, finished.exit_code) << finished.out;
    EXPECT_THAT(finished.err, HasSubstr(said));
    EXPECT_THAT(finished.err, HasSubstr("a part of it may be applied"));
    EXPECT_THAT(finished.err, Not(HasSubstr("nothing of this file")));
    EXPECT_EQ("1 failed", history());
    EXPECT_EQ(end != "rollback;", has_table("aa"));
    EXPECT_FALSE(has_table("bb"));
    const Finished again = up();
    EXPECT_EQ(7, again.exit_code);
    EXPECT_THAT(again.err, HasSubstr("a part of it may be applied"));
    EXPECT_THAT(again.err, HasSubstr("pgsluice migrate repair --accept 1"));
    EXPECT_EQ(0, migrate("repair", {"--forget", "1"}).exit_code);
    db().run("drop table if exists aa");
  }
}

TEST_F(MigrateTransaction, NorToBeRolledBack) {
  for (const std::string end : {"rollback;", "commit;"}) {
    for (const char* file : {"V1__a.sql", "before.sql"}) {
      SCOPED_TRACE(end + file);
      write(file, hidden(end + " create table bb (i int);"));
      const Finished dry = up({"--dry-run"});
      EXPECT_EQ(1, dry.exit_code) << dry.out;
      EXPECT_THAT(dry.err, HasSubstr(said));
      EXPECT_FALSE(has_table("bb"));
      db().run("drop table if exists aa");
      const Finished safe = up({"--safe"});
      EXPECT_EQ(1, safe.exit_code) << safe.out;
      EXPECT_THAT(safe.err, HasSubstr(said));
      EXPECT_FALSE(has_table("bb"));
      db().run("drop table if exists aa");
      migrate("repair", {"--forget", "1"});
      if (std::string(file) == "V1__a.sql") {
        const Finished trace = migrate("plan", {"--trace"});
        EXPECT_EQ(1, trace.exit_code) << trace.out;
        EXPECT_THAT(trace.err, HasSubstr(said));
        EXPECT_FALSE(has_table("bb"));
        db().run("drop table if exists aa");
      }
      ASSERT_EQ(0, std::remove(path(file).c_str()));
    }
  }
}

TEST_F(MigrateTransaction, NorToBeTakenBack) {
  write("V1__a.sql", "create table a (i int)");
  write("V1__a.down.sql", hidden("rollback; drop table a;"));
  ASSERT_EQ(0, up().exit_code);
  const Finished down = migrate("down", {"--yes"});
  EXPECT_EQ(1, down.exit_code) << down.out;
  EXPECT_THAT(down.err, HasSubstr(said));
  EXPECT_THAT(down.err, HasSubstr("a part of it may be taken back"));
  EXPECT_EQ("1 reverting", history());
  EXPECT_TRUE(has_table("a"));
}

/// By which transactions are told from one another.
TEST_F(MigrateTransaction, SettingsDoNotHideIt) {
  db().run(
      "do $$ begin execute format('alter database %I set default_transaction_deferrable = "
      "on', current_database()); end $$");
  write("V1__a.sql",
        "set transaction isolation level serializable; create table a (i int); reset all; "
        "discard plans; create table b (i int);");
  const Finished finished = up();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  for (const std::string end : {"rollback;", "commit;"}) {
    write("V2__b.sql", hidden(end));
    EXPECT_THAT(up({"--dry-run"}).err, HasSubstr(said));
    db().run("drop table if exists aa");
    EXPECT_THAT(up().err, HasSubstr(said));
    db().run("drop table if exists aa");
    migrate("repair", {"--forget", "2"});
  }
}

}  // namespace
}  // namespace sluice::test
