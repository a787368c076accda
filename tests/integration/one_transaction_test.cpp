#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>

#include "integration/atomic_loads.hpp"
#include "script/script.hpp"
#include "support/proxy.hpp"

namespace sluice::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

/// Loads that are all or nothing, whose chunks are parts of one transaction.
class OneTransaction : public AtomicLoads {
 protected:
  static bool is_in_one(const Loaded& loaded) {
    return loaded.report.plan.writer.contains("all of it in one transaction");
  }
};

TEST_F(OneTransaction, BringsAllRowsAtOnce) {
  db().run(
      "create table t (serial int generated always as identity, id int primary key, v text "
      "default 'none', unfed int not null default 7, check (unfed > id - 10000))");
  const Loaded loaded = load(numbers(1, 500));
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_TRUE(is_in_one(loaded)) << loaded.report.plan.writer;
  EXPECT_EQ(500U, loaded.report.total.rows_stored);
  EXPECT_EQ(500U, loaded.report.now.rows_stored);
  EXPECT_EQ("500 7 500",
            db().value("select concat_ws(' ', max(serial), min(unfed), sum(1)) from t"));
  EXPECT_EQ("", ledger_disagreement("t"));
  EXPECT_GT(db().number("select count(*) from pgsluice.chunks"), 30);
  // One top-level transaction, whatever parts it had: it is that of the chunks, and of the end.
  EXPECT_EQ("1", db().value("select count(distinct finished_at) from pgsluice.loads"));
  EXPECT_EQ(load::LoadReport::Status::nothing_to_do, run_load(url(), options_).report.status);
}

/// Nobody sees a row before all are there, and nobody a chunk in the ledger.
TEST_F(OneTransaction, ShowsNothingBeforeItsEnd) {
  db().run("create table t (id int primary key, v text)");
  db().run("begin; insert into t values (450, 'mine')");  // the chunk with that key waits
  Loaded loaded;
  {
    const std::jthread loading([this, &loaded] { loaded = load(numbers(1, 500)); });
    EXPECT_TRUE(comes_true(
        "select exists (select from pg_locks where locktype = 'transactionid' and not granted)"));
    EXPECT_EQ(1, rows());  // mine
    EXPECT_EQ(0, db().number("select count(*) from pgsluice.chunks"));
    db().run("rollback");
  }
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(500, rows());
}

TEST_F(OneTransaction, ARefusalTakesAllBack) {
  db().run("create table t (id int primary key, v text); insert into t values (400, 'old')");
  const Loaded refused = load(numbers(1, 500));
  EXPECT_EQ("23505", refused.sql_state);
  EXPECT_THAT(refused.message, HasSubstr("in.csv:401"));
  EXPECT_EQ(1, rows());
  EXPECT_EQ(0U, refused.report.total.rows());
  EXPECT_EQ(0U, refused.report.now.rows());
  EXPECT_EQ(0, db().number("select count(*) from pgsluice.chunks"));
  db().run("delete from t");
  const Loaded loaded = run_load(url(), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(500, rows());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// Bad records are left out under savepoints, whatever refuses them, and kept in the file as
/// always.
TEST_F(OneTransaction, LeavesBadRecordsOut) {
  db().run(
      "create table p (id int primary key); insert into p select generate_series(1, 500) except "
      "values (123); create table t (id int primary key references p check (id <> 77), v text)");
  std::string csv = numbers(1, 300) + "x,bad\n,bad\n5,twice\n";
  options_.rejects.rejects_max = 4;
  const Loaded stopped = load(csv);
  EXPECT_EQ(FailureKind::budget, stopped.failure) << stopped.message;
  EXPECT_EQ(0, rows());
  EXPECT_EQ(0, db().number("select count(*) from pgsluice.chunks"));
  EXPECT_THAT(read_file(folder_ / "in.rejects.csv"), HasSubstr("77,value\n123,value\n"));
  options_.rejects.rejects_max = 5;
  const Loaded loaded = run_load(url(), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_TRUE(is_in_one(loaded));
  EXPECT_EQ(298, rows());
  EXPECT_EQ(5U, loaded.report.rows_rejected);
  EXPECT_EQ("id,v\n77,value\n123,value\nx,bad\n,bad\n5,twice\n",
            read_file(folder_ / "in.rejects.csv"));
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// Where rows may be judged otherwise by several statements, or the table would be locked for long,
/// they wait; and whoever wants it all the same is told so.
TEST_F(OneTransaction, IsNotForEveryTableAndSource) {
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
      {"create table t (id int primary key, v text, above int references t)", "refer to others"},
      {"create table t (id int, v text) partition by range (id); create table t1 partition of t "
       "for values from (0) to (1000); create function f() returns trigger language plpgsql as $$ "
       "begin return new; end $$; create trigger f after insert on t1 for each row execute "
       "function f()",
       "has triggers"},
      {"create table t0 (id int, v text); create view t as select * from t0", "is a view"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.table);
    db().run(std::string("drop schema public cascade; create schema public; ") + c.table);
    options_.atomic_way = plan::AtomicWay::automatic;
    options_.again = true;
    const Loaded loaded = load(numbers(1, 100));
    ASSERT_TRUE(loaded.ok()) << loaded.message;
    EXPECT_EQ(100, rows());
    options_.atomic_way = plan::AtomicWay::transaction;
    const Loaded refused = load(numbers(101, 200));
    EXPECT_THAT(refused.message, HasSubstr("--atomic=transaction: "));
    EXPECT_THAT(refused.message, HasSubstr(c.why));
    EXPECT_EQ(100, rows());
  }
  db().run("drop view t; drop table t0; create table t (id int, v text)");
  options_ = {};
  SetUp();
  options_.truncate = true;
  const Loaded emptied = load(numbers(1, 100));
  ASSERT_TRUE(emptied.ok()) << emptied.message;
  EXPECT_THAT(emptied.report.plan.writer, HasSubstr("(--truncate "));
}

/// Where it is asked for, the table is emptied in it too.
TEST_F(OneTransaction, EmptiesTheTable) {
  db().run(
      "create table t (id int primary key, v text); insert into t select i, 'old' from "
      "generate_series(1, 50) i");
  options_.truncate = true;
  options_.atomic_way = plan::AtomicWay::transaction;
  ASSERT_FALSE(load(numbers(1, 100) + "100,again\n").ok());
  EXPECT_EQ(50, rows());
  const Loaded loaded = load(numbers(1, 100));
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ("100 value", db().value("select count(*) || ' ' || min(v) from t"));
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// What waits in a staging table is gone on with there.
TEST_F(OneTransaction, GoesOnWithWhatWaits) {
  db().run("create table t (id int primary key, v text); insert into t values (400, 'old')");
  options_.atomic_way = plan::AtomicWay::resumable;
  ASSERT_FALSE(load(numbers(1, 500)).ok());
  EXPECT_EQ(1, staging_tables());
  db().run("delete from t");
  options_.atomic_way = plan::AtomicWay::automatic;
  const Loaded loaded = run_load(url(), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_FALSE(is_in_one(loaded));
  EXPECT_EQ(500, rows());
  EXPECT_EQ(0, staging_tables());
}

/// ... and the other way round: what one transaction has not stored is begun again, in whatever
/// way.
TEST_F(OneTransaction, LeavesNothingToGoOnWith) {
  db().run("create table t (id int primary key, v text); insert into t values (400, 'old')");
  ASSERT_FALSE(load(numbers(1, 500)).ok());
  db().run("delete from t");
  options_.atomic_way = plan::AtomicWay::resumable;
  const Loaded loaded = run_load(url(), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(500, rows());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// The connection is lost in the middle, or the answer to the commit is: all of it is sent again,
/// or found done.
TEST_F(OneTransaction, ALostConnectionBeginsAgain) {
  db().run("create table t (id int primary key, v text)");
  ASSERT_TRUE(load(numbers(1, 5)).ok());
  for (const char* at : {"chunk 7 ", "*/ commit"}) {
    for (const auto action : {Proxy::Action::swallow, Proxy::Action::reset}) {
      SCOPED_TRACE(at + std::to_string(static_cast<int>(action)));
      db().run("truncate t; truncate pgsluice.loads cascade");
      std::atomic<int> seen = 0;
      Proxy proxy(url(), [&seen, at, action](std::size_t, Proxy::Direction direction,
                                             const std::string& bytes) {
        const bool is_it = direction == Proxy::Direction::to_server && bytes.contains(at);
        return is_it && seen++ == 0 ? action : Proxy::Action::pass;
      });
      options_.path = folder_.write("in.csv", numbers(1, 300) + "x,bad\n");
      options_.rejects.rejects_max = 1;
      const Loaded loaded = run_load(proxy.url(url()), options_);
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      EXPECT_TRUE(is_in_one(loaded));
      EXPECT_LE(1, seen.load());
      EXPECT_EQ(1U, loaded.report.retries);
      EXPECT_EQ(300U, loaded.report.now.rows_stored);
      EXPECT_EQ(300U, loaded.report.total.rows_stored);
      EXPECT_EQ(1U, loaded.report.rows_rejected);
      EXPECT_EQ(300, rows());
      EXPECT_EQ("id,v\nx,bad\n", read_file(folder_ / "in.rejects.csv"));
      EXPECT_EQ("", ledger_disagreement("t"));
    }
  }
  EXPECT_TRUE(no_session_left());
}

/// What was refused goes with what was stored, where the end is refused.
TEST_F(OneTransaction, ARefusedEndKeepsNothing) {
  db().run("create table t (id int primary key, v text)");
  options_.rejects.rejects_max = 9;
  options_.after_sql = std::make_shared<const script::Script>(
      script::Script{.path = "a.sql", .text = "select 1 / 0"});
  const Loaded refused = load(numbers(1, 300) + "x,bad\n");
  EXPECT_THAT(refused.message, HasSubstr("division by zero"));
  EXPECT_EQ(0, rows());
  EXPECT_EQ("", refused.report.rejects_path);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "in.rejects.csv"));
  options_.after_sql = nullptr;
  options_.again = true;
  const Loaded loaded = run_load(url(), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ("id,v\nx,bad\n", read_file(loaded.report.rejects_path));
}

/// One connection is enough, also where the ledger is asked in the middle.
TEST_F(OneTransaction, OneConnectionIsEnough) {
  db().run("create table t (id int primary key, v text)");
  options_.jobs = 1;
  options_.rejects.rejects_max = 10;
  ASSERT_TRUE(load("id,v\n1,a\nx,b\n").ok());
  options_.again = true;
  const Loaded loaded = load(numbers(2, 300) + "y,bad\n");
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(300, rows());
}

/// A file of one chunk is all or nothing by itself: it takes the short way.
TEST_F(OneTransaction, OneChunkIsOne) {
  db().run("create table t (id int primary key, v text)");
  ASSERT_TRUE(load(numbers(1, 5)).ok());
  const Loaded loaded = load(numbers(6, 12));
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(12, rows());
  EXPECT_EQ("", ledger_disagreement("t"));
}

}  // namespace
}  // namespace sluice::test
