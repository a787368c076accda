#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "integration/atomic_loads.hpp"
#include "ledger/forget.hpp"
#include "script/script.hpp"
#include "support/proxy.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Loads that are all or nothing, in a transaction for each connection, all of which are prepared.
class Prepared : public AtomicLoads {
 protected:
  void SetUp() override {
    AtomicLoads::SetUp();
    options_.atomic_way = plan::AtomicWay::prepared;
    if (db().number("show max_prepared_transactions") == 0)
      GTEST_SKIP() << "the server prepares no transactions";
  }

  /// A database with something prepared in it cannot be dropped.
  void TearDown() override {
    for (const auto& row :
         db().rows("select gid from pg_prepared_xacts where database = current_database()"))
      db().run("rollback prepared '" + row[0] + "'");
  }

  static bool is_prepared(const Loaded& loaded) {
    return loaded.report.plan.writer.contains("in prepared transactions");
  }
  std::int64_t left() {
    return db().number(
        "select count(*) from pg_prepared_xacts where database = current_database()");
  }
  /// A proxy that does so with the first message to the server that has this in it.
  std::unique_ptr<Proxy> at(const char* text, Proxy::Action action, std::atomic<int>& seen) {
    return std::make_unique<Proxy>(
        url(),
        [&seen, text, action](std::size_t, Proxy::Direction direction, const std::string& bytes) {
          const bool is_it = direction == Proxy::Direction::to_server && bytes.contains(text);
          return is_it && seen++ == 0 ? action : Proxy::Action::pass;
        });
  }
  /// Whether a chunk waits for this process of the server.
  static std::string waits_for(const std::string& pid) {
    return "select exists (select from pg_stat_activity a where query like '/* pgsluice load %' "
           "and " +
           pid + " = any (pg_blocking_pids(a.pid)))";
  }
  /// ... for another one of the load's.
  const std::string waits_for_own_ =
      "select exists (select from pg_stat_activity a join pg_stat_activity b on b.pid = any "
      "(pg_blocking_pids(a.pid)) where a.query like '/* pgsluice load %' and b.query like '/* "
      "pgsluice load %')";
  /// As a load is left whose command ends between its last transaction's preparing and the
  /// decision, or behind that.
  void leave(bool decided) {
    std::atomic<int> seen = 0;
    const auto proxy =
        at(decided ? "commit prepared" : "set committing = 'run", Proxy::Action::reset, seen);
    options_.retry_for = 0ms;
    const Loaded loaded = run_load(proxy->url(url()), options_);
    options_.retry_for = plan::LoadOptions().retry_for;
    EXPECT_FALSE(loaded.ok());
    EXPECT_EQ(1, seen.load());
    EXPECT_THAT(loaded.message, HasSubstr("The same command ends them"));
    EXPECT_TRUE(no_session_left());
    EXPECT_LE(1, left());
    EXPECT_EQ(0, rows());
  }
};

TEST_F(Prepared, BringsAllRowsAtOnce) {
  db().run(
      "create table t (serial int generated always as identity, id int primary key, v text "
      "default 'none', unfed int not null default 7, check (unfed > id - 10000))");
  const Loaded loaded = load(numbers(1, 3000));
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_TRUE(is_prepared(loaded)) << loaded.report.plan.writer;
  EXPECT_EQ(3000U, loaded.report.total.rows_stored);
  EXPECT_EQ(3000U, loaded.report.now.rows_stored);
  EXPECT_EQ("3000 7 3000",
            db().value("select concat_ws(' ', max(serial), min(unfed), sum(1)) from t"));
  EXPECT_EQ("", ledger_disagreement("t"));
  EXPECT_EQ(0, left());
  EXPECT_TRUE(no_session_left());
  EXPECT_EQ(load::LoadReport::Status::nothing_to_do, run_load(url(), options_).report.status);
}

/// Nobody sees a row before all are there. One chunk waits for mine, and others go on beside it.
TEST_F(Prepared, ShowsNothingBeforeItsEnd) {
  db().run("create table t (id int primary key, v text)");
  db().run("begin; insert into t values (5, 'mine')");
  Loaded loaded;
  {
    const std::jthread loading([this, &loaded] { loaded = load(numbers(1, 500)); });
    EXPECT_TRUE(
        comes_true("select count(*) > 1 from pg_locks where locktype = 'relation' and relation = "
                   "'t'::regclass and mode = 'RowExclusiveLock' and pid <> pg_backend_pid()"));
    Session on(url());
    EXPECT_TRUE(test::comes_true(
        on,
        "select exists (select from pg_stat_activity where query ~ '^/. pgsluice load [0-9]+ chunk "
        "[234]')"));
    EXPECT_EQ(1, rows());  // mine
    EXPECT_EQ(0, db().number("select count(*) from pgsluice.chunks"));
    db().run("rollback");
  }
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_TRUE(is_prepared(loaded));
  EXPECT_EQ(500, rows());
}

TEST_F(Prepared, ARefusalTakesAllBack) {
  db().run("create table t (id int primary key, v text); insert into t values (400, 'old')");
  const Loaded refused = load(numbers(1, 500));
  EXPECT_EQ("23505", refused.sql_state);
  EXPECT_THAT(refused.message, HasSubstr("in.csv:401"));
  EXPECT_EQ(1, rows());
  EXPECT_EQ(0U, refused.report.total.rows());
  EXPECT_EQ(0, left());
  EXPECT_EQ(0, db().number("select count(*) from pgsluice.chunks"));
  db().run("delete from t");
  const Loaded loaded = run_load(url(), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(500, rows());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// Bad records are left out under savepoints, whatever refuses them. What the server is asked about
/// others touches no temporary table, which no transaction that is prepared may.
TEST_F(Prepared, LeavesBadRecordsOut) {
  db().run(
      "create table p (id int primary key); insert into p select generate_series(1, 5000) except "
      "select generate_series(7, 5000, 40); create table t (id int primary key references p check "
      "(id % 50 <> 33), v text)");
  options_.chunk_bytes = 4000;
  const std::string csv = numbers(1, 5000) + "x,bad\n,bad\n";
  options_.rejects.rejects_max = 100;
  const Loaded stopped = load(csv);
  EXPECT_EQ(FailureKind::budget, stopped.failure) << stopped.message;
  EXPECT_EQ(0, rows());
  EXPECT_EQ(0, left());
  options_.rejects.rejects_max = 1000;
  const Loaded loaded = run_load(url(), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_TRUE(is_prepared(loaded));
  const auto good = db().number("select count(*) from p where id % 50 <> 33 and id <= 5000");
  EXPECT_EQ(good, rows());
  EXPECT_EQ(static_cast<std::uint64_t>(5002 - good), loaded.report.rows_rejected);
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// What cannot be prepared is said before the first row.
TEST_F(Prepared, IsNotForEveryTableAndWish) {
  struct Case {
    const char* table;
    const char* why;
  };
  const Case cases[] = {
      {"create table t (id int, v text); create function f() returns trigger language plpgsql as "
       "$$ begin return new; end $$; create trigger f after insert on t for each statement execute "
       "function f()",
       "has triggers"},
      {"create table t (id int, v text, unique (id) deferrable)", "wait for the commit"},
      {"create unlogged table t (id int, v text)", "is unlogged"},
      {"create table t0 (id int, v text); create view t as select * from t0", "is a view"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.table);
    db().run(std::string("drop schema public cascade; create schema public; ") + c.table);
    const Loaded refused = load(numbers(1, 100));
    EXPECT_EQ(FailureKind::usage, refused.failure);
    EXPECT_THAT(refused.message, StartsWith("--atomic=prepared: "));
    EXPECT_THAT(refused.message, HasSubstr(c.why));
    EXPECT_EQ(0, rows());
  }
  db().run("drop schema public cascade; create schema public; create table t (id int, v text)");
  options_.truncate = true;
  EXPECT_THAT(load(numbers(1, 100)).message, HasSubstr("--truncate locks"));
  options_.truncate = false;
  options_.set_sequences = true;
  EXPECT_THAT(load(numbers(1, 100)).message, HasSubstr("parts of one transaction"));
  options_.set_sequences = false;
  // A default that works in a temporary table is found out last, and takes all back.
  db().run(
      "drop table t; create function f() returns int language plpgsql as $$ begin create temp "
      "table if not exists x (a int); return 1; end $$; create table t (id int, v text, w int "
      "default "
      "f())");
  const Loaded refused = load(numbers(1, 100));
  EXPECT_EQ(FailureKind::failed, refused.failure);
  EXPECT_THAT(refused.message, HasSubstr("PREPARE TRANSACTION"));
  EXPECT_EQ(0, rows());
  EXPECT_EQ(0, left());
}

/// One of its connections waits for a key that another has: only they know of each other. Of the
/// first chunk the key 1 is there and 3 waits for mine, while the last one wants 1.
TEST_F(Prepared, OneThatWaitsForAnotherIsBegunAgain) {
  db().run("create table t (id int primary key, v text)");
  Session on(url());  // in a transaction the server shows what it was like at first
  const std::string mine = db().value("select pg_backend_pid()");
  for (const std::uint64_t rejects : {0, 1}) {
    SCOPED_TRACE(rejects);
    db().run("truncate t");
    db().run("begin; insert into t values (3, 'mine')");
    options_.rejects.rejects_max = rejects;
    Loaded loaded;
    {
      const std::jthread loading([&] { loaded = load(numbers(1, 40) + "1,again\n"); });
      EXPECT_TRUE(test::comes_true(on, waits_for(mine)));
      EXPECT_TRUE(test::comes_true(on, waits_for_own_));
      EXPECT_TRUE(test::comes_true(on, "select not " + waits_for_own_.substr(7)));
      db().run("rollback");
    }
    EXPECT_THAT(loaded.report.plan.writer, HasSubstr("all of it in one transaction"));
    EXPECT_EQ(rejects == 1, loaded.ok()) << loaded.message;
    if (rejects == 0) {
      EXPECT_THAT(loaded.message, HasSubstr("in.csv:42"));
    }
    EXPECT_EQ(rejects == 1 ? 40 : 0, rows());
    EXPECT_EQ(rejects, loaded.report.rows_rejected);
    EXPECT_EQ(0, left());
  }
}

/// ... and by way of somebody else, who has 700, which the last chunk wants, and wants 1.
TEST_F(Prepared, OneThatWaitsForAnotherByWayOfAThird) {
  db().run("create table t (id int primary key, v text)");
  Session on(url());  // in a transaction the server shows what it was like at first
  const std::string mine = db().value("select pg_backend_pid()");
  Session third(url());
  third.run("begin; insert into t values (700, 'third')");
  const std::string pid = third.value("select pg_backend_pid()");
  db().run("begin; insert into t values (3, 'mine')");
  options_.rejects.rejects_max = 2;
  Loaded loaded;
  {
    const std::jthread loading([&] { loaded = load(numbers(1, 40) + "700,again\n"); });
    EXPECT_TRUE(test::comes_true(on, waits_for(mine)));
    const std::jthread waiting(
        [&third] { third.run("insert into t values (1, 'third'); commit"); });
    EXPECT_TRUE(test::comes_true(on, waits_for(pid)));
    EXPECT_TRUE(test::comes_true(on, "select not " + waits_for(pid).substr(7)));
    db().run("rollback");
  }
  EXPECT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(2U, loaded.report.rows_rejected);
  EXPECT_EQ("41 third third", db().value("select count(*) || ' ' || string_agg(v, ' ') filter "
                                         "(where id in (1, 700)) from t"));
}

/// Lost connections and lost answers, in every phase: all of it is sent again, or found done.
TEST_F(Prepared, LostConnections) {
  db().run("create table t (id int primary key, v text)");
  ASSERT_TRUE(load(numbers(1, 5)).ok());
  for (const char* place : {"chunk 7 ", "prepare transaction", "set committing = 'run",
                            "commit prepared", "state = 'finished'"}) {
    for (const auto action : {Proxy::Action::swallow, Proxy::Action::reset}) {
      SCOPED_TRACE(place + std::to_string(static_cast<int>(action)));
      db().run("truncate t; truncate pgsluice.loads cascade");
      std::atomic<int> seen = 0;
      const auto proxy = at(place, action, seen);
      options_.path = folder_.write("in.csv", numbers(1, 300) + "x,bad\n");
      options_.rejects.rejects_max = 1;
      const Loaded loaded = run_load(proxy->url(url()), options_);
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      EXPECT_TRUE(is_prepared(loaded));
      EXPECT_EQ(300U, loaded.report.now.rows_stored);
      EXPECT_EQ(300U, loaded.report.total.rows_stored);
      EXPECT_EQ(1U, loaded.report.rows_rejected);
      EXPECT_EQ(300, rows());
      EXPECT_EQ("id,v\nx,bad\n", read_file(folder_ / "in.rejects.csv"));
      EXPECT_EQ("", ledger_disagreement("t"));
      EXPECT_EQ(0, left());
    }
  }
  EXPECT_TRUE(no_session_left());
}

/// A command that is gone has left what it has prepared: the next one ends it, as was decided.
TEST_F(Prepared, WhatIsLeftIsEnded) {
  db().run("create table t (id int primary key, v text)");
  for (const bool decided : {false, true}) {
    for (const bool same_way : {true, false}) {
      SCOPED_TRACE((decided ? "decided" : "undecided") + std::to_string(same_way));
      db().run("truncate t; drop schema if exists pgsluice cascade");
      options_.atomic_way = plan::AtomicWay::prepared;
      options_.path = folder_.write("in.csv", numbers(1, 300));
      leave(decided);
      if (!same_way) options_.atomic_way = plan::AtomicWay::automatic;
      const Loaded loaded = run_load(url(), options_);
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      EXPECT_EQ(300U, loaded.report.total.rows_stored);
      EXPECT_EQ(decided ? 0U : 300U, loaded.report.now.rows_stored);
      EXPECT_EQ(300, rows());
      EXPECT_EQ(0, left());
      EXPECT_EQ("", ledger_disagreement("t"));
      EXPECT_EQ("finished", db().value("select string_agg(state, ' ') from pgsluice.loads"));
      EXPECT_THAT(loaded.report.notes,
                  ::testing::Contains(HasSubstr(decided ? "which was decided, committed"
                                                        : "which was not decided, rolled back")));
    }
  }
}

/// Whoever loads something else into the table does so too.
TEST_F(Prepared, WhatIsLeftIsEndedByOthersToo) {
  db().run("create table t (id int primary key, v text)");
  options_.path = folder_.write("in.csv", numbers(1, 300));
  leave(false);
  plan::LoadOptions other = options_;
  other.atomic = false;
  other.path = folder_.write("other.csv", numbers(250, 500));
  ASSERT_TRUE(run_load(url(), other).ok());
  EXPECT_EQ(251, rows());
  EXPECT_EQ(0, left());

  db().run("truncate t; drop schema pgsluice cascade");
  leave(true);
  other.path = folder_.write("other.csv", numbers(301, 500));
  const Loaded loaded = run_load(url(), other);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(500, rows());
  EXPECT_EQ(0, left());
  options_.atomic_way = plan::AtomicWay::prepared;
  ASSERT_TRUE(run_load(url(), options_).ok());
  EXPECT_EQ(500, rows());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// A run that was thought to be gone decides nothing any more.
TEST_F(Prepared, WhoWasTakenOverDecidesNothing) {
  db().run("create table t (id int primary key, v text)");
  options_.path = folder_.write("in.csv", numbers(1, 300));
  Loaded first;
  Loaded second;
  std::atomic<int> seen = 0;
  const auto proxy = at("set committing = 'run", Proxy::Action::hold, seen);
  {
    const std::jthread loading([&] { first = run_load(proxy->url(url()), options_, 60s); });
    EXPECT_TRUE(comes_true(
        "select count(*) > 0 from pg_prepared_xacts where database = current_database()"));
    while (seen == 0) std::this_thread::sleep_for(10ms);
    // The server thinks so too.
    db().run(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = "
        "'pgsluice' and state like 'idle in transaction%' and datname = current_database()");
    second = run_load(url(), options_);
    proxy->release();
  }
  EXPECT_TRUE(second.ok()) << second.message;
  EXPECT_FALSE(first.ok());
  EXPECT_EQ(300, rows());
  EXPECT_EQ(0, left());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// Somebody has rolled a part of it back by hand, behind the decision.
TEST_F(Prepared, APartThatIsGoneIsToldAndBrought) {
  db().run("create table t (id int primary key, v text)");
  options_.path = folder_.write("in.csv", numbers(1, 300));
  leave(true);
  db().run(
      "rollback prepared '" +
      db().value("select min(gid) from pg_prepared_xacts where database = current_database()") +
      "'");
  const Loaded loaded = run_load(url(), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(300, rows());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// ... and somebody has committed one of which nothing was decided: all the rest comes, once.
TEST_F(Prepared, APartThatWasCommittedByHandStays) {
  for (const auto way : {plan::AtomicWay::prepared, plan::AtomicWay::resumable}) {
    for (const bool atomic : {true, false}) {
      SCOPED_TRACE(std::to_string(static_cast<int>(way)) + std::to_string(atomic));
      db().run(
          "drop table if exists t; drop schema if exists pgsluice cascade; create table t (id int, "
          "v text)");
      options_.path = folder_.write("in.csv", numbers(1, 300));
      options_.atomic = true;
      options_.atomic_way = plan::AtomicWay::prepared;
      leave(false);
      db().run("commit prepared '" +
               db().value("select min(gid) from pg_prepared_xacts where database = "
                          "current_database()") +
               "'");
      EXPECT_LT(0, rows());
      options_.atomic = atomic;
      options_.atomic_way = way;
      const Loaded loaded = run_load(url(), options_);
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      EXPECT_THAT(loaded.report.notes, ::testing::Contains(HasSubstr("committed by hand")));
      EXPECT_EQ("300 300", db().value("select count(*) || ' ' || count(distinct id) from t"));
      EXPECT_EQ("", ledger_disagreement("t"));
    }
  }
}

/// What was not prepared leaves no trace in how the load goes on in another way.
TEST_F(Prepared, OtherWaysGoOnAsEver) {
  db().run("create table t (id int primary key, v text); insert into t values (400, 'old')");
  ASSERT_FALSE(load(numbers(1, 500)).ok());
  options_.atomic_way = plan::AtomicWay::resumable;
  ASSERT_FALSE(run_load(url(), options_).ok());
  EXPECT_LT(0, db().number("select count(*) from pgsluice.chunks"));
  db().run("delete from t");
  options_.atomic_way = plan::AtomicWay::prepared;
  const Loaded loaded = run_load(url(), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(500, rows());
  EXPECT_EQ(0, staging_tables());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// Somebody waits for the table behind one of them, and another one that begins waits behind him.
TEST_F(Prepared, OneThatBeginsBehindSomebodyWhoWaits) {
  db().run("create table t (id int primary key, v text)");
  options_.path = folder_.write("in.csv", numbers(1, 500));
  Loaded loaded;
  std::atomic<int> begun = 0;
  Proxy proxy(url(), [&begun](std::size_t, Proxy::Direction direction, const std::string& bytes) {
    const bool is_it = direction == Proxy::Direction::to_server && bytes.contains("*/ begin;");
    return is_it && begun++ == 1 ? Proxy::Action::hold : Proxy::Action::pass;
  });
  Session on(url());
  {
    const std::jthread loading([&] { loaded = run_load(proxy.url(url()), options_, 60s); });
    while (begun < 2) std::this_thread::sleep_for(10ms);
    const std::jthread waiting([this] { db().run("begin; lock table t; commit"); });
    EXPECT_TRUE(test::comes_true(on,
                                 "select exists (select from pg_locks where relation = "
                                 "'t'::regclass and not granted)"));
    proxy.release();
  }
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_TRUE(is_prepared(loaded)) << ::testing::PrintToString(loaded.report.notes);
  EXPECT_EQ(500, rows());
}

}  // namespace
}  // namespace sluice::test
