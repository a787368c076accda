#include <gmock/gmock.h>

#include "support/migrations.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// A history in which not everything stays that is written to it: nothing counts as applied that
/// would run again.
class KeptHistory : public MigrationTest {
 protected:
  static constexpr const char* no_transaction = "-- pgsluice: no-transaction\n";

  void SetUp() override {
    write("001_a.sql", "create table a (id int)");
    ASSERT_EQ(0, up().exit_code);
    db().run(
        "create function drops() returns trigger language plpgsql as $$ begin return null; end $$; "
        "create function keeps() returns trigger language plpgsql as $$ begin return new; end $$");
  }
  void expect_refused(const Finished& done, const std::string& what) {
    EXPECT_EQ(1, done.exit_code) << done.err;
    EXPECT_THAT(done.err, HasSubstr(what));
    EXPECT_THAT(done.out, Not(HasSubstr("applied /")));
  }
};

TEST_F(KeptHistory, WhatStandsInItsWayIsNamed) {
  struct Case {
    const char* make;
    const char* end;
    const char* name;
  };
  write("002_b.sql", "create table b (id int)");
  for (const Case& one : std::initializer_list<Case>{
           {"create trigger x before insert on pgsluice.migrations for each row execute function "
            "drops()",
            "drop trigger x on pgsluice.migrations", "trigger x of pgsluice.migrations"},
           {"create trigger x before update on pgsluice.migrations for each row execute function "
            "drops()",
            "alter table pgsluice.migrations disable trigger x",
            "trigger x of pgsluice.migrations"},
           {"create trigger guard before insert on pgsluice.migrations for each row execute "
            "function drops()",
            "drop trigger guard on pgsluice.migrations", "trigger guard of pgsluice.migrations"},
           {"create rule r as on insert to pgsluice.migrations do instead nothing",
            "drop rule r on pgsluice.migrations", "rule r of pgsluice.migrations"},
           {"create rule r as on delete to pgsluice.migrations do also nothing",
            "drop rule r on pgsluice.migrations", "rule r of pgsluice.migrations"}}) {
    SCOPED_TRACE(one.make);
    db().run(one.make);
    for (const char* subcommand : {"up", "status", "plan", "repair"})
      expect_refused(subcommand == std::string("repair") ? migrate("repair", {"--accept", "1"})
                                                         : migrate(subcommand),
                     one.name);
    EXPECT_FALSE(has_table("b"));
    EXPECT_EQ("1 applied", history());
    db().run(one.end);
    EXPECT_EQ(0, migrate("plan").exit_code);
  }
  db().run(
      "create trigger audit after insert on pgsluice.migrations for each row execute function "
      "drops(); create trigger first before insert on pgsluice.migrations for each statement "
      "execute function drops()");
  EXPECT_EQ(0, up().exit_code) << "these drop no row";
  EXPECT_EQ("1 applied, 2 applied", history());
}

TEST_F(KeptHistory, IsNotReadThroughRowSecurity) {
  const std::string low = url_of_new_role("sees_less");
  db().run(
      "grant usage on schema pgsluice to sees_less; grant select, insert, update on "
      "pgsluice.migrations to sees_less; alter table pgsluice.migrations enable row level "
      "security; "
      "create policy own on pgsluice.migrations using (project = 'none') with check (true)");
  write("001_a.sql", "create table if not exists again (id int)");
  for (const char* subcommand : {"up", "status", "plan"}) {
    const Finished refused = pgsluice({"migrate", subcommand, "--dir", folder(), "-d", low});
    expect_refused(refused, "row-level security of pgsluice.migrations");
    EXPECT_THAT(refused.err, HasSubstr("alter role sees_less bypassrls"));
  }
  EXPECT_FALSE(has_table("again"));
  db().run("alter table pgsluice.migrations disable row level security");
  EXPECT_EQ(7, pgsluice({"migrate", "status", "--dir", folder(), "-d", low}).exit_code)
      << "it sees that the file was edited";
  db().run("drop owned by sees_less; drop role sees_less");
}

TEST_F(KeptHistory, ARowThatIsNotKeptAppliesNothing) {
  // What a file itself does comes behind every look at the table.
  const std::string trap =
      "create trigger x before insert or update on pgsluice.migrations for each row execute "
      "function drops();\n";
  write("002_b.sql", "create table b (id int);\n" + trap);
  expect_refused(up(), "002_b.sql: pgsluice.migrations did not keep what was written to it");
  EXPECT_FALSE(has_table("b"));
  EXPECT_EQ("1 applied", history());

  write("002_b.sql", no_transaction + ("create table c (id int);\n" + trap + "select 1;\n"));
  expect_refused(up(), "002_b.sql: behind statement 2: pgsluice.migrations did not keep");
  EXPECT_TRUE(has_table("c"));
  db().run("drop trigger x on pgsluice.migrations; drop table c");
  EXPECT_EQ("1 applied, 2 running", history());
}

TEST_F(KeptHistory, AFileThatDeletesItsOwnRowIsNotApplied) {
  write("002_b.sql",
        std::string(no_transaction) +
            "create table b (id int);\ndelete from pgsluice.migrations where version = 2;\n"
            "create table c (id int);\n");
  expect_refused(up(), "002_b.sql: behind statement 2: pgsluice.migrations did not keep");
  EXPECT_FALSE(has_table("c"));

  write("002_b.sql",
        std::string(no_transaction) + "delete from pgsluice.migrations; select 1/0;\n");
  const Finished failed = up();
  expect_refused(failed, "pgsluice.migrations did not keep");
}

TEST_F(KeptHistory, AStatementMoreThanThereAreIsRefused) {
  write("002_b.sql", std::string(no_transaction) + "create table b (id int);\nselect 1/0;\n");
  EXPECT_EQ(1, up().exit_code);
  db().run("update pgsluice.migrations set statements_done = 999 where version = 2");
  for (const char* subcommand : {"up", "plan"}) {
    const Finished refused = migrate(subcommand);
    EXPECT_EQ(7, refused.exit_code) << refused.err;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("002_b.sql"), HasSubstr("999 statements")));
  }
  EXPECT_EQ("1 applied, 2 failed", history());
}

TEST_F(KeptHistory, DamagedRowsAreNamed) {
  db().run(
      "alter table pgsluice.migrations drop constraint migrations_version, drop constraint "
      "migrations_statements_done, drop constraint migrations_state");
  for (const auto& [change, words] : std::initializer_list<std::pair<const char*, const char*>>{
           {"version = -5", "its version is \"-5\""},
           {"statements_done = -1", "its statements_done is \"-1\""},
           {"state = 'x'", "its state is \"x\""}}) {
    db().run(
        "begin; create table kept as table pgsluice.migrations; update pgsluice.migrations set " +
        std::string(change) + " where file = '001_a.sql'; commit");
    expect_refused(migrate("status"), words);
    expect_refused(up(), "the history's row of 001_a.sql (project \"default\") is damaged");
    db().run(
        "delete from pgsluice.migrations; insert into pgsluice.migrations overriding system value "
        "table kept; drop table kept");
  }
}

TEST_F(KeptHistory, WhatNoReaderCanUseIsNotStored) {
  for (
      const char* statement :
      {"update pgsluice.migrations set version = -1 where version = 1",
       "update pgsluice.migrations set statements_done = -1",
       "insert into pgsluice.jobs (job, schedule, since) values ('j', 's', 'infinity')",
       "insert into pgsluice.jobs (job, schedule, since) values ('j', 's', '-infinity')",
       "insert into pgsluice.jobs (job, schedule) values ('j', 's'); insert into pgsluice.job_runs "
       "(job, slot, state, runner) values ('j', 'infinity', 'ran', 'r')",
       "insert into pgsluice.jobs (job, schedule) values ('j', 's'); insert into pgsluice.job_runs "
       "(job, slot, state, runner, attempts) values ('j', now(), 'ran', 'r', -1)"})
    EXPECT_ANY_THROW(db().run(statement)) << statement;
}

/// The same of what loads and schedules keep.
TEST_F(KeptHistory, SoAreTheLedgerAndTheSlots) {
  TemporaryFolder files;
  const std::string file = files.write("a.csv", "id\n1\n");
  files.write("j.sql", "select 1");
  const std::string config = files.write(
      "pgsluice.toml",
      "dbname = \"" + url() + "\"\n[[job]]\nname = \"j\"\ncron = \"@every 1s\"\nsql = \"j.sql\"\n");
  for (const char* table : {"loads", "chunks", "jobs", "job_runs"}) {
    SCOPED_TRACE(table);
    db().run(std::string("create trigger x before insert on pgsluice.") + table +
             " for each row execute function keeps()");
    const std::string name = std::string("trigger x of pgsluice.") + table;
    expect_refused(pgsluice({"load", file, "-t", "a", "-d", url()}), name);
    expect_refused(pgsluice({"loads", "-d", url()}), name);
    expect_refused(pgsluice({"schedule", "run", "--once", "--config", config}), name);
    db().run(std::string("drop trigger x on pgsluice.") + table);
  }
  EXPECT_EQ(0, db().number("select count(*) from a"));
  EXPECT_EQ(0, pgsluice({"load", file, "-t", "a", "-d", url()}).exit_code);
}

}  // namespace
}  // namespace sluice::test
