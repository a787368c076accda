#include <gmock/gmock.h>

#include <csignal>
#include <thread>

#include "support/migrations.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// What a file leaves in its session, and where its errors are.
class LeftBehind : public MigrationTest {};

/// Everything that outlives a transaction.
const std::string leaves =
    "prepare p as select 1;\n"
    "declare c cursor with hold for select 1;\n"
    "listen ch;\n"
    "select pg_advisory_lock(1), pg_advisory_lock(1), pg_advisory_lock_shared(2), "
    "pg_advisory_lock(3, 4);\n"
    "create temp table left_over (a int);\n"
    "create sequence if not exists s; select nextval('s');\n"
    "set search_path = pg_temp; set role pg_monitor; set work_mem = '1MB'; set \"a.b\" = 'x';\n";

/// Fails where something of it is there.
const std::string looks =
    "do $$ begin\n"
    "  if exists (select from pg_prepared_statements) then raise 'prepared'; end if;\n"
    "  if exists (select from pg_cursors where is_holdable) then raise 'cursor'; end if;\n"
    "  if exists (select from pg_listening_channels()) then raise 'listens'; end if;\n"
    "  if (select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory') "
    "<> 1 then raise 'locks'; end if;\n"
    "  if to_regclass('pg_temp.left_over') is not null then raise 'temp'; end if;\n"
    "  if current_user <> session_user then raise 'role'; end if;\n"
    "  if current_setting('work_mem') = '1MB' or coalesce(current_setting('a.b', true), '') <> '' "
    "then raise 'set'; end if;\n"
    "  begin perform lastval(); raise 'sequence'; exception when object_not_in_prerequisite_state "
    "then null; end;\n"
    "end $$;\n";

TEST_F(LeftBehind, NothingReachesTheNextFile) {
  const std::string no_transaction = "-- pgsluice: no-transaction\n";
  write("001_a.sql", leaves);
  write("002_b.sql", looks);
  write("003_c.sql", no_transaction + "reset role; set client_min_messages = error;\n" + leaves);
  write("004_d.sql", no_transaction + looks + leaves);
  write("005_e.sql", looks + leaves);
  write("006_f.sql", looks + "select pg_advisory_unlock_all();");
  write("007_g.sql", looks);
  const Finished done = up();
  EXPECT_EQ(0, done.exit_code) << done.err;
  EXPECT_EQ(7, db().number("select count(*) from pgsluice.migrations where project = 'default'"));
  write("008_h.sql", leaves);
  write("009_i.sql",
        "do $$ begin if exists (select from pg_prepared_statements) then raise "
        "'prepared'; end if; end $$; prepare p as select 1;");
  EXPECT_EQ(0, up({"--dry-run"}).exit_code);
}

/// A prepared statement is not rolled back: it would be in the way of the next attempt.
TEST_F(LeftBehind, NothingReachesTheNextAttempt) {
  db().run("create table t (a int)");
  db().run("begin; lock table t");
  write("001_a.sql",
        "-- pgsluice: lock-timeout 100ms\n-- pgsluice: retries 100\nprepare p as select 1;\n"
        "alter table t add b int;\n");
  Process process(command("up"));
  process.says("again in");
  db().run("rollback");
  const Finished done = process.wait();
  EXPECT_EQ(0, done.exit_code) << done.err;
  EXPECT_THAT(done.err, HasSubstr("again in"));
}

/// The search for the statement that failed runs the file again: what it has prepared is no news.
TEST_F(LeftBehind, NothingMisleadsTheSearchForAStatement) {
  write("001_a.sql", "prepare p as select 1;\nselect 1;\nselect 1 / (select 0);\nselect 2;\n");
  const Finished failed = up();
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("001_a.sql:3:1: division by zero"));
}

/// Lines are the file's, whatever the values are.
TEST_F(LeftBehind, ValuesHaveNoLines) {
  struct Case {
    std::string text;
    std::string at;
  };
  const std::string head = "-- pgsluice: placeholder v\n-- pgsluice: placeholder w\n";
  const std::string no_transaction = "-- pgsluice: no-transaction\n" + head;
  for (const auto& [text, at] : std::vector<Case>{
           {head + "select :'v';\nselect nme;\n", "001_a.sql:4:8: column"},
           {head + "select '${v}', :\"v\" from (select 1 as :\"v\") s;\nselect nme;\n",
            "001_a.sql:4:8: column"},
           {head + "select :'v', nme;\n", "001_a.sql:3:14: column"},
           {head + "select :'v',\n  nme;\n", "001_a.sql:4:3: column"},
           {head + "select :'w', :'v'; select nme;\n", "001_a.sql:3:27: column"},
           {head + "select ${w}:'v', nme;\n", "001_a.sql:3:18: column"},
           {head + "select :'v';\nselect 1;\nselect 1 / (select 0);\n", "001_a.sql:5:1: division"},
           {head + "select :'v'::int;\n", "001_a.sql:3:8: invalid input"},
           {head + "select :'v';\n\\i other\n", "001_a.sql:4:1: \\i: a command of psql"},
           {head + "select :'v';\nselect 'open\n", "001_a.sql:4:8: this quote"},
           {head + "select :'v';\nbegin;\n", "001_a.sql:4:1: BEGIN"},
           {no_transaction + "select :'v';\nselect nme;\n", "001_a.sql:5:8: statement 2 of 2"},
           {no_transaction + "select :'v', :'v', nme;\n", "001_a.sql:4:20: statement 1 of 1"},
           {no_transaction + "select :'v';\nselect 1 / (select 0);\n",
            "001_a.sql:5:1: statement 2 of 2"},
       }) {
    for (const char* value : {"a\nb\n\nc", "a\rb\r\nc", "a"}) {
      db().run("drop schema if exists pgsluice cascade");
      write("001_a.sql", text);
      const Finished failed =
          up({"--placeholder", "v=" + std::string(value), "--placeholder", "w="});
      EXPECT_NE(0, failed.exit_code);
      EXPECT_THAT(failed.err, HasSubstr(at)) << text << ::testing::PrintToString(value);
    }
  }
}

/// The file is not to blame for what is refused without it.
TEST_F(LeftBehind, ARowThatTheHistoryRefusesBlamesNoLine) {
  write("001_a.sql", "select 1");
  ASSERT_EQ(0, up().exit_code);
  db().run(
      "create function pgsluice.no() returns trigger language plpgsql as 'begin raise exception "
      "using errcode = ''42501'', message = ''not here''; end';"
      "create trigger no after insert on pgsluice.migrations for each row execute function "
      "pgsluice.no()");
  write("002_b.sql", "set role pg_monitor;\nselect 2;\n");
  const Finished failed = up();
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("002_b.sql: not here (SQLSTATE 42501)"));
  EXPECT_THAT(failed.err, HasSubstr("its row of the history (pgsluice.migrations) is refused"));
  EXPECT_THAT(failed.err, Not(HasSubstr("002_b.sql:1")));
}

TEST_F(LeftBehind, AFileWithoutAStatementIsNoted) {
  write("001_add_users.sql", "-- add users\n\n");
  const Finished done = up();
  EXPECT_EQ(0, done.exit_code);
  EXPECT_THAT(done.err, HasSubstr("001_add_users.sql: has no statement; once it is applied"));
}

/// Nobody keeps what `migrate run` has done: no other run goes on there.
TEST_F(LeftBehind, AFileByItselfIsNotGoneOnWith) {
  for (const char* head : {"", "-- pgsluice: no-transaction\n"}) {
    write("x.sql", std::string(head) + "select 1;\nselect pg_sleep(60);\n");
    Process process({"migrate", "run", path("x.sql"), "-d", url(), "--stop-after", "1s"});
    ASSERT_TRUE(comes_true(
        "select exists (select from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> "
        "pg_backend_pid() and state = 'active' and datname = current_database())"));
    process.signal(SIGTERM);
    const Finished stopped = process.wait();
    ASSERT_TRUE(no_session_left());  // or the next one is taken for this one
    EXPECT_EQ(143, stopped.exit_code);
    EXPECT_THAT(stopped.err, HasSubstr("x.sql is cancelled if it has not ended within 1.0 s"));
    EXPECT_THAT(stopped.err, HasSubstr(*head == '\0' ? "nothing of it is done" : "begins anew"));
    EXPECT_THAT(stopped.err, Not(HasSubstr("goes on")));
    write("x.sql", std::string(head) + "select 1;\nselect nme;\n");
    const Finished failed = pgsluice({"migrate", "run", path("x.sql"), "-d", url()});
    EXPECT_THAT(failed.err, Not(HasSubstr("goes on")));
  }
}

}  // namespace
}  // namespace sluice::test
