#include <gmock/gmock.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "support/migrations.hpp"
#include "support/pooler.hpp"
#include "support/proxy.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class MigrateFaults : public MigrationTest {
 protected:
  /// By another way to the database.
  Finished up_by(const std::string& other_url, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = command("up", std::move(more));
    *(std::ranges::find(arguments, "-d") + 1) = other_url;
    return pgsluice(std::move(arguments));
  }
  /// Asks twice; two at once would be one.
  static Finished interrupt_twice(Process& process, int number) {
    process.signal(number);
    EXPECT_TRUE(process.says("stopping: "));
    process.signal(number);
    return process.wait();
  }
  bool runs_now(const std::string& words) {
    return comes_true(
        "select exists (select from pg_stat_activity where pid <> pg_backend_pid() "
        "and datname = current_database() and state = 'active' and query like '%" +
        words + "%')");
  }
};

TEST_F(MigrateFaults, SyntaxErrorInTheThirdOfFive) {
  for (int i = 1; i <= 5; ++i)
    write("00" + std::to_string(i) + "_t.sql",
          "create table t" + std::to_string(i) + " (id int);\n");
  write("003_t.sql", "create table t3 (id int);\ncreate tabel u (id int);\n");
  const Finished failed = up();
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err,
              HasSubstr(path("003_t.sql") + ":2:8: syntax error at or near \"tabel\" (SQLSTATE "
                                            "42601)\n  | create tabel u (id int)\n  nothing of "
                                            "this file is applied"));
  EXPECT_EQ("1 applied, 2 applied", history());
  EXPECT_FALSE(has_table("t3"));
  write("003_t.sql", "create table t3 (id int);\n");
  EXPECT_EQ(0, up().exit_code);
  EXPECT_EQ("1 applied, 2 applied, 3 applied, 4 applied, 5 applied", history());
}

TEST_F(MigrateFaults, BodiesCommentsAndQuotesAreNotCut) {
  write("001_all.sql",
        "create function f() returns int language plpgsql as $$ begin return 1; end; $$;\n"
        "/* outer /* inner; */ ; */ create table t (v text default E'\\';');\n"
        "create function g() returns int language sql begin atomic select 1; select 2; end;\n"
        "insert into t values ('a;b'), ($x$ $$; $x$), (default); -- ;\n");
  write("002_all.sql", "-- pgsluice: no-transaction\n" + std::string() +
                           "create or replace function g() returns int language sql begin atomic "
                           "select case when true then 3 end; end;\n"
                           "insert into t values (E'it\\'s; one');/* ; */ vacuum t;\n");
  const Finished done = up();
  ASSERT_EQ(0, done.exit_code) << done.err;
  EXPECT_EQ("3", db().value("select g()"));
  EXPECT_EQ(4, db().number("select count(*) from t"));
}

TEST_F(MigrateFaults, FileWithoutTransactionGoesOnWhereItFailed) {
  const std::string head =
      "-- pgsluice: no-transaction\n"
      "create table t (id int);\ninsert into t values (1);\nvacuum t;\n";
  write("001_t.sql", head + "insert into t values ('x');\nanalyze t;\n");
  const Finished failed = up();
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("001_t.sql:5:23: statement 4 of 5: invalid input syntax for "
                                    "type integer: \"x\" (SQLSTATE 22P02)"));
  EXPECT_THAT(failed.err,
              HasSubstr("the statements before it are done; the next run goes on here"));
  EXPECT_EQ("1 failed", history());
  EXPECT_EQ(3, db().number("select statements_done from pgsluice.migrations where version = 1 and "
                           "project = 'default'"));
  EXPECT_THAT(migrate("status").out,
              HasSubstr("failed    001_t.sql  3 statements done; the next one: invalid input"));

  write("001_t.sql", "-- pgsluice: no-transaction\ncreate table t (id bigint);\n");
  EXPECT_EQ(7, up().exit_code) << "edited in what is done";
  write("001_t.sql", head + "insert into t values (2);\nanalyze t;\n");
  const Finished mended = up();
  EXPECT_EQ(0, mended.exit_code) << mended.err;
  EXPECT_THAT(mended.err, HasSubstr("goes on behind statement 3 of 5"));
  EXPECT_EQ("1,2", db().value("select string_agg(id::text, ',' order by id) from t"));
  EXPECT_EQ("1 applied", history());
}

TEST_F(MigrateFaults, WhatFailedHalfWayCanBeForgotten) {
  write("001_t.sql", "-- pgsluice: no-transaction\ncreate table t (id int);\nselect 1/0;\n");
  ASSERT_EQ(1, up().exit_code);
  db().run("drop table t");
  write("001_t.sql", "create table t (id int)");
  EXPECT_EQ(7, up().exit_code);
  ASSERT_EQ(0, migrate("repair", {"--forget", "1"}).exit_code);
  EXPECT_EQ(0, up().exit_code);
  EXPECT_EQ(2, migrate("repair", {"--forget", "1"}).exit_code) << "applied";
}

/// The answer to COMMIT is lost, with the connection: the history knows.
TEST_F(MigrateFaults, LostAnswerToACommitIsLookedUp) {
  write("001_a.sql", "create table a (id int)");
  ASSERT_EQ(0, up().exit_code);
  write("002_b.sql", "create table b (id int); insert into a values (1)");
  write("003_c.sql", "create table c (id int)");
  std::atomic<bool> lost = false;
  Proxy proxy(url(), [&lost](std::size_t, Proxy::Direction direction, const std::string& bytes) {
    if (direction == Proxy::Direction::to_server && bytes.contains("create table b") && !lost) {
      lost = true;
      return Proxy::Action::swallow;
    }
    return Proxy::Action::pass;
  });
  const Finished done = up_by(proxy.url(url()));
  EXPECT_TRUE(lost);
  EXPECT_EQ(0, done.exit_code) << done.err;
  EXPECT_THAT(done.err, HasSubstr("002_b.sql: the connection to the server was lost; the history "
                                  "will say whether it was applied"));
  EXPECT_THAT(done.out, HasSubstr("applied " + path("002_b.sql")));
  EXPECT_EQ(1, db().number("select count(*) from a"));
  EXPECT_EQ("1 applied, 2 applied, 3 applied", history());
}

/// The connection dies before the server has the file.
TEST_F(MigrateFaults, LostConnectionIsOpenedAgain) {
  write("001_a.sql", "create table a (id int)");
  std::atomic<bool> lost = false;
  Proxy proxy(url(), [&lost](std::size_t, Proxy::Direction direction, const std::string& bytes) {
    const bool cut =
        direction == Proxy::Direction::to_server && !lost && bytes.contains("create table a");
    if (cut) lost = true;
    return cut ? Proxy::Action::cut : Proxy::Action::pass;
  });
  const Finished done = up_by(proxy.url(url()));
  EXPECT_EQ(0, done.exit_code) << done.err;
  EXPECT_EQ("1 applied", history());
}

/// Wherever the first connections are cut, in one direction or the other, each file is applied
/// once, by this run or by the next.
TEST_F(MigrateFaults, CutAnywhere) {
  db().run("create table done (project text, file int)");
  std::atomic<std::size_t> cuts = 0;
  for (std::size_t place = 0; place < 40; place += every(3)) {
    const std::string project = "p" + std::to_string(place);
    for (int file = 1; file <= 3; ++file) {
      write(std::to_string(file) + "_f.sql",
            "insert into done values ('" + project + "', " + std::to_string(file) + ")");
    }
    write("4_f.sql", "-- pgsluice: no-transaction\ncreate index concurrently if not exists i" +
                         project + " on done (file);\nanalyze done");
    std::atomic<std::size_t> seen = 0;
    Proxy proxy(url(), [&](std::size_t, Proxy::Direction, const std::string&) {
      const bool here = seen++ == place;
      if (here) ++cuts;
      return here ? Proxy::Action::cut : Proxy::Action::pass;
    });
    const Finished first = up_by(proxy.url(url()), {"--project", project});
    EXPECT_THAT(first.exit_code, ::testing::AnyOf(0, 1, 4)) << first.err;
    const Finished second = up({"--project", project});
    EXPECT_EQ(0, second.exit_code) << place << ": " << second.err;
    EXPECT_EQ("1,2,3", db().value("select string_agg(file::text, ',' order by file) from done "
                                  "where project = '" +
                                  project + "'"))
        << place << ": " << first.err << second.err;
    EXPECT_EQ("t", db().value("select indisvalid from pg_index where indexrelid = 'i" + project +
                              "'::regclass"));
  }
  EXPECT_GT(cuts.load(), 20U / every(3));
}

TEST_F(MigrateFaults, FileThatEndsItsOwnConnectionIsGivenUp) {
  write("001_a.sql", "select pg_terminate_backend(pg_backend_pid())");
  const Finished failed = up();
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("001_a.sql: "));
  EXPECT_THAT(failed.err, HasSubstr("3 times while it ran; it is not applied"));
  EXPECT_EQ("", history());
}

TEST_F(MigrateFaults, TenRunnersApplyEachFileOnce) {
  for (int i = 1; i <= 20; ++i)
    write("V" + std::to_string(i) + "__t.sql", "create table t" + std::to_string(i) + " (id int)");
  std::vector<std::unique_ptr<Process>> runners;
  for (int i = 0; i < 10; ++i) runners.push_back(std::make_unique<Process>(command("up")));
  for (auto& runner : runners) {
    const Finished done = runner->wait();
    EXPECT_EQ(0, done.exit_code) << done.err;
  }
  EXPECT_EQ(20, db().number("select count(*) from pgsluice.migrations where project = 'default' "
                            "and state = 'applied'"));
}

TEST_F(MigrateFaults, HolderOfTheLockIsNamed) {
  write("001_a.sql", "select pg_sleep(600)");
  Process first(command("up"));
  ASSERT_TRUE(runs_now("pg_sleep"));
  const Finished second = up({"--lock-wait", "300ms"});
  EXPECT_EQ(6, second.exit_code);
  EXPECT_THAT(second.err, ::testing::ContainsRegex(
                              "another run migrates this database \\(process [0-9]+ of the "
                              "server, pgsluice, user .*, from .*, since 20"));
  const Finished stopped = interrupt_twice(first, SIGINT);
  EXPECT_EQ(130, stopped.exit_code) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("interrupted; the next run goes on with this file"));
  EXPECT_EQ("", history());
}

/// The server goes on with what a killed runner sent; the next one waits for it, and then it is
/// done.
TEST_F(MigrateFaults, KilledRunnersFileIsNotRunBesideItself) {
  write("001_a.sql", "create table a (id int); select pg_sleep(2); insert into a values (1)");
  Process first(command("up"));
  ASSERT_TRUE(runs_now("pg_sleep"));
  first.signal(SIGKILL);
  first.wait();
  const Finished second = up();
  EXPECT_EQ(0, second.exit_code) << second.err;
  EXPECT_EQ(1, db().number("select count(*) from a"));
  EXPECT_EQ("1 applied", history());
}

TEST_F(MigrateFaults, ConcurrentIndexIsBuiltWhileOthersWait) {
  db().run("create table t as select g as id from generate_series(1, 200000) g");
  write("001_i.sql", "-- pgsluice: no-transaction\ncreate index concurrently t_id on t (id)");
  // The build waits for this transaction, and the runners for the build.
  Session reader(url());
  reader.run("begin isolation level repeatable read; select count(*) from t");
  std::vector<std::unique_ptr<Process>> runners;
  for (int i = 0; i < 5; ++i) runners.push_back(std::make_unique<Process>(command("up")));
  ASSERT_TRUE(runs_now("create index concurrently"));
  std::this_thread::sleep_for(1s);
  reader.run("commit");
  for (auto& runner : runners) {
    const Finished done = runner->wait();
    EXPECT_EQ(0, done.exit_code) << done.err;
  }
  EXPECT_TRUE(comes_true("select indisvalid from pg_index where indexrelid = 't_id'::regclass"));
  EXPECT_EQ("1 applied", history());
}

TEST_F(MigrateFaults, InterruptedConcurrentIndexIsBuiltAgain) {
  db().run("create table t as select g as id from generate_series(1, 1000) g");
  write("001_i.sql",
        "-- pgsluice: no-transaction\ncreate table done_before (id int);\n"
        "create index concurrently t_id on t (id);\nanalyze t");
  Session reader(url());
  reader.run("begin isolation level repeatable read; select count(*) from t");
  Process first(command("up"));
  ASSERT_TRUE(
      comes_true("select exists (select from pg_index i join pg_class c on c.oid = "
                 "i.indexrelid where relname = 't_id' and not indisvalid)"));
  const Finished stopped = interrupt_twice(first, SIGTERM);
  EXPECT_EQ(143, stopped.exit_code) << stopped.err;
  reader.run("commit");
  EXPECT_EQ("f", db().value("select indisvalid from pg_index where indexrelid = 't_id'::regclass"));
  EXPECT_EQ(10, migrate("status").exit_code);
  const Finished second = up();
  EXPECT_EQ(0, second.exit_code) << second.err;
  EXPECT_THAT(second.err, HasSubstr("001_i.sql:3:1: index t_id is left from a build that did not "
                                    "end; it is dropped"));
  EXPECT_EQ("t", db().value("select indisvalid from pg_index where indexrelid = 't_id'::regclass"));
  EXPECT_EQ("1 applied", history());
}

/// A killed runner's statement may have been done after it died: the index says so.
TEST_F(MigrateFaults, IndexThatWasFinishedByTheServerAloneCounts) {
  db().run("create table t as select g as id from generate_series(1, 1000) g");
  write("001_i.sql", "-- pgsluice: no-transaction\ncreate index concurrently t_id on t (id);");
  Session reader(url());
  reader.run("begin isolation level repeatable read; select count(*) from t");
  Process first(command("up"));
  ASSERT_TRUE(runs_now("create index concurrently"));
  ASSERT_TRUE(comes_true("select to_regclass('t_id') is not null"));
  first.signal(SIGKILL);
  first.wait();
  reader.run("commit");
  const Finished second = up();
  EXPECT_EQ(0, second.exit_code) << second.err;
  EXPECT_THAT(second.err, HasSubstr("index t_id was finished when its runner had gone"));
  EXPECT_EQ("1 applied", history());
}

TEST_F(MigrateFaults, BusyTableIsNotBlocked) {
  db().run("create table t (id int); insert into t values (1)");
  write("001_a.sql", "-- pgsluice: retries 1\nalter table t add column v text");
  Session reader(url());
  reader.run("begin; select * from t");
  Process runner(command("up"));
  ASSERT_TRUE(runs_now("alter table t"));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ("1", db().value("select id from t")) << "waits behind the ALTER TABLE";
  const auto waited = std::chrono::steady_clock::now() - began;
  // 3 s of lock_timeout, and what a slow machine adds; without it, until the reader ends.
  EXPECT_LT(waited, 60s);
  const Finished failed = runner.wait();
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("canceling statement due to lock timeout; again in "));
  EXPECT_THAT(failed.err, HasSubstr("--lock-timeout, or a directive lock-timeout or retries"));
  reader.run("commit");
  EXPECT_EQ(0, up().exit_code);
}

TEST_F(MigrateFaults, RetriesAreMadeUntilTheTableIsFree) {
  db().run("create table t (id int)");
  write(
      "001_a.sql",
      "-- pgsluice: lock-timeout 50ms\n-- pgsluice: retries 100\nalter table t add column v text");
  Session reader(url());
  reader.run("begin; select * from t");
  Process runner(command("up"));
  ASSERT_TRUE(runner.says("again in"));
  reader.run("commit");
  EXPECT_EQ(0, runner.wait().exit_code);
  EXPECT_EQ("1 applied", history());
}

TEST_F(MigrateFaults, StopSaysWhatRunsAndIsOverInTime) {
  for (const char* head : {"", "-- pgsluice: no-transaction\n"}) {
    SCOPED_TRACE(head);
    write("001_a.sql", head + std::string("select pg_sleep(600)"));
    Process runner(command("up", {"--stop-after", "1s"}));
    ASSERT_TRUE(runs_now("pg_sleep"));
    const auto sent = std::chrono::steady_clock::now();
    runner.signal(SIGTERM);
    const Finished stopped = runner.wait();
    EXPECT_EQ(143, stopped.exit_code) << stopped.err;
    EXPECT_LT(std::chrono::steady_clock::now() - sent, 20s);
    EXPECT_THAT(stopped.err, HasSubstr("stopping: " + path("001_a.sql") +
                                       " is cancelled if it has not ended within 1.0 s"));
    EXPECT_TRUE(no_session_left());
    migrate("repair", {"--forget", "1"});
  }
}

/// It has nothing to finish.
TEST_F(MigrateFaults, StopGivesUpALockThatIsWaitedForAtOnce) {
  db().run("create table t (id int)");
  write("001_a.sql", "-- pgsluice: lock-timeout 0s\nalter table t add column v text");
  Session reader(url());
  reader.run("begin; select * from t");
  Process runner(command("up", {"--stop-after", "60s"}));
  ASSERT_TRUE(runs_now("alter table t"));
  const auto sent = std::chrono::steady_clock::now();
  runner.signal(SIGTERM);
  const Finished stopped = runner.wait();
  EXPECT_EQ(143, stopped.exit_code) << stopped.err;
  EXPECT_LT(std::chrono::steady_clock::now() - sent, 20s);
  EXPECT_EQ("", history());
  reader.run("commit");
  EXPECT_EQ(0, up().exit_code);
}

TEST_F(MigrateFaults, TransactionPoolerIsRefused) {
  write("001_a.sql", "create table a (id int)");
  const Pooler pooler(url(), "transaction");
  const Finished refused = up_by(pooler.url());
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("a pooler in transaction mode"));
  EXPECT_THAT(refused.err, HasSubstr("--migrate-url URL"));
  EXPECT_FALSE(has_table("a"));
  const Finished direct = up_by(pooler.url(), {"--migrate-url", url()});
  EXPECT_EQ(0, direct.exit_code) << direct.err;
  EXPECT_EQ(0, up_by(pooler.url()).exit_code) << "nothing to do needs no lock";
}

TEST_F(MigrateFaults, SessionPoolerIsFine) {
  write("001_a.sql", "create table a (id int)");
  const Pooler pooler(url(), "session");
  const Finished done = up_by(pooler.url());
  EXPECT_EQ(0, done.exit_code) << done.err;
  EXPECT_TRUE(has_table("a"));
}

TEST_F(MigrateFaults, UserWhoMayNotCreateTheSchemaIsTold) {
  write("001_a.sql", "create table a (id int)");
  const Finished refused = up_by(url_of_new_role("migrator_without_rights"));
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("cannot create the schema pgsluice"));
  EXPECT_THAT(refused.err,
              HasSubstr("create schema pgsluice authorization \"migrator_without_rights\";"));
}

TEST_F(MigrateFaults, UserToWhomTheHistoryIsNotOpenIsTold) {
  write("001_a.sql", "create table a (id int)");
  ASSERT_EQ(0, up().exit_code);
  const std::string stranger = url_of_new_role("migrator_stranger");
  const auto expect_advice = [](const Finished& refused) {
    EXPECT_EQ(1, refused.exit_code);
    EXPECT_THAT(refused.err, HasSubstr("the schema pgsluice of this database is not open to user "
                                       "\"migrator_stranger\"\n  Ask its owner to run: grant "));
  };
  expect_advice(up_by(stranger));
  expect_advice(pgsluice({"loads", "-d", stranger}));
  expect_advice(pgsluice({"schedule", "history", "-d", stranger}));
  db().run(
      "grant usage on schema pgsluice to migrator_stranger; grant select on all tables in schema "
      "pgsluice to migrator_stranger");
  EXPECT_EQ(0, up_by(stranger).exit_code) << "there is nothing to do";
  EXPECT_EQ(0, pgsluice({"loads", "-d", stranger}).exit_code);
  write("002_b.sql", "select 1");
  expect_advice(up_by(stranger));
  db().run("grant insert, update on pgsluice.migrations to migrator_stranger");
  EXPECT_EQ(0, up_by(stranger).exit_code);
  db().run(
      "drop index pgsluice.loads_lengths_idx; alter table pgsluice.migrations drop column led_to; "
      "alter table pgsluice.job_runs drop column hooks_due; drop table pgsluice.reverted, "
      "pgsluice.segments; alter table pgsluice.loads drop column segment_bytes, drop column "
      "limited_by, drop column limited_share, drop column committing; delete from "
      "pgsluice.migrations where project = "
      "'pgsluice' and version >= 18");
  write("003_c.sql", "select 1");
  EXPECT_THAT(up_by(stranger).err,
              HasSubstr("is an older version's, or lacks a part: its owner brings it up"));
  db().run("drop owned by migrator_stranger; drop role migrator_stranger");
}

TEST_F(MigrateFaults, ServerThatIsNotThereIsExitCodeFour) {
  write("001_a.sql", "create table a (id int)");
  EXPECT_EQ(4, up_by("postgresql://127.0.0.1:1/x", {"--wait", "0"}).exit_code);
  Proxy silent(
      url(), [](std::size_t, Proxy::Direction, const std::string&) { return Proxy::Action::hold; });
  const std::string there = silent.url(url());
  const Finished gone =
      up_by(there + (there.contains('?') ? "&" : "?") + "connect_timeout=2", {"--wait", "0"});
  EXPECT_EQ(4, gone.exit_code);
  EXPECT_EQ(2, up_by("postgresql://[broken").exit_code);
}

}  // namespace
}  // namespace sluice::test
