#include <gmock/gmock.h>

#include <thread>

#include "integration/atomic_loads.hpp"

namespace sluice::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

/// Loads whose rows wait until all are there, and come into the table together, or not at all.
class Atomic : public AtomicLoads {
 protected:
  void SetUp() override {
    AtomicLoads::SetUp();
    options_.atomic_way = plan::AtomicWay::resumable;
  }
};

TEST_F(Atomic, PublishesAllRowsAtOnce) {
  db().run(
      "create table t (serial int generated always as identity, id int primary key, v text "
      "default 'none', unfed int not null default 7, check (unfed > id - 10000))");
  const Loaded loaded = load(numbers(1, 500));
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(500, rows());
  EXPECT_EQ(500U, loaded.report.total.rows_stored);
  EXPECT_EQ(500U, loaded.report.now.rows_stored);
  EXPECT_EQ("500 7 500",
            db().value("select concat_ws(' ', max(serial), min(unfed), sum(1)) from t"));
  EXPECT_EQ(0, staging_tables());
  EXPECT_EQ("", ledger_disagreement("t"));
  EXPECT_EQ(load::LoadReport::Status::nothing_to_do, run_load(url(), options_).report.status);
}

TEST_F(Atomic, ARefusalLeavesTheTableAsItWas) {
  db().run("create table t (id int primary key, v text); insert into t values (400, 'old')");
  const Loaded refused = load(numbers(1, 500));
  EXPECT_EQ("23505", refused.sql_state);
  EXPECT_EQ(1, rows());
  EXPECT_EQ(1, staging_tables());
  // The obstacle is taken away: what waits is published, and nothing is sent again.
  db().run("delete from t");
  const Loaded loaded = run_load(url(), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(500, rows());
  EXPECT_TRUE(loaded.report.resumed);
  EXPECT_EQ(500U, loaded.report.now.rows_stored);
  EXPECT_EQ(0U, loaded.report.bytes);
  EXPECT_EQ(0, staging_tables());
}

TEST_F(Atomic, BadRecordsBeyondTheBudgetPublishNothing) {
  db().run("create table t (id int not null check (id <> 77), v text)");
  std::string csv = numbers(1, 300) + "x,bad\n,bad\n";
  options_.rejects.rejects_max = 2;
  const Loaded stopped = load(csv);
  EXPECT_EQ(FailureKind::budget, stopped.failure) << stopped.message;
  EXPECT_EQ(0, rows());
  options_.rejects.rejects_max = 3;
  const Loaded loaded = run_load(url(), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(299, rows());
  EXPECT_EQ(3U, loaded.report.rows_rejected);
  EXPECT_EQ("id,v\n77,value\nx,bad\n,bad\n", read_file(folder_ / "in.rejects.csv"));
}

TEST_F(Atomic, TruncateTakesPlaceWithThePublication) {
  db().run(
      "create table t (id int primary key, v text); insert into t select i, 'old' from "
      "generate_series(1, 50) i");
  options_.truncate = true;
  const std::string other = folder_.write("other.csv", "id,v\n1,a\n");
  ASSERT_FALSE(load(numbers(1, 100) + "100,again\n").ok());
  EXPECT_EQ(50, rows());
  const Loaded loaded = load(numbers(1, 100));
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ("100 value", db().value("select count(*) || ' ' || min(v) from t"));
  EXPECT_EQ(0, staging_tables());
}

TEST_F(Atomic, AnotherFileOrOtherOptionsGiveUpWhatWaits) {
  db().run("create table t (id int primary key, v text); insert into t values (5, 'old')");
  ASSERT_FALSE(load(numbers(1, 10)).ok());
  options_.on_conflict = writer::OnConflict::nothing;
  const Loaded loaded = run_load(url(), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(9U, loaded.report.total.rows_stored);
  EXPECT_EQ(1U, loaded.report.total.rows_skipped);
  EXPECT_EQ("void finished", db().value("select string_agg(state, ' ' order by load_id) from "
                                        "pgsluice.loads"));
  EXPECT_EQ(0, staging_tables());
}

/// An unlogged table is empty behind a crash of the server; the ledger is not.
TEST_F(Atomic, SendsAgainWhatTheStagingTableHasLost) {
  db().run("create table t (id int primary key, v text); insert into t values (5, 'old')");
  ASSERT_FALSE(load(numbers(1, 400)).ok());
  db().run("delete from t; truncate pgsluice.stage_1");
  const Loaded loaded = run_load(url(), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_THAT(loaded.report.notes, Contains(HasSubstr("the staging table is empty")));
  EXPECT_EQ(400, rows());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// The same behind the last chunk: the note names the table, and no setting of the server's.
TEST_F(Atomic, NamesTheStagingTableThatACrashHasEmptied) {
  db().run("create table t (id int primary key, v text)");
  db().run("begin; lock table t in share row exclusive mode");
  Loaded loaded;
  {
    const std::jthread loading([this, &loaded] { loaded = load(numbers(1, 400)); });
    EXPECT_TRUE(comes_true(
        "select exists (select from pg_locks where relation = 't'::regclass and not granted)"));
    db().run("truncate pgsluice.stage_1; commit");
  }
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_THAT(loaded.report.notes, Contains(HasSubstr("the staging table was emptied")));
  EXPECT_THAT(loaded.report.notes, Not(Contains(HasSubstr("synchronous_commit"))));
  EXPECT_EQ(400, rows());
  EXPECT_EQ("", ledger_disagreement("t"));
}

TEST_F(Atomic, RowsThatATriggerDropsAreSkipped) {
  db().run(
      "create table t (id int, v text); create function f() returns trigger language plpgsql as "
      "$$ begin if new.id % 10 = 0 then return null; end if; return new; end $$;"
      "create trigger f before insert on t for each row execute function f()");
  const Loaded loaded = load(numbers(1, 100));
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(90, rows());
  EXPECT_EQ(90U, loaded.report.total.rows_stored);
  EXPECT_EQ(10U, loaded.report.total.rows_skipped);
}

TEST_F(Atomic, NeedsTheLedger) {
  db().run("create table t (id int, v text)");
  options_.use_ledger = false;
  EXPECT_THAT(load(numbers(1, 3)).message, HasSubstr("leave out --no-ledger"));
}

/// The record that a publication fails at, by its line: whatever refuses it.
TEST_F(Atomic, APublicationThatIsRefusedNamesTheRecord) {
  struct Refusing {
    const char* setup;
    const char* sql_state;
  };
  const Refusing refusing[] = {
      {"create table t (id int primary key, v text); insert into t values (77, 'old')", "23505"},
      {"create table p (id int primary key); insert into p select generate_series(-300, 300) "
       "except values (77); create table t (id int references p deferrable initially deferred, v "
       "text)",
       "23503"},
      {"create table t (id int, v text, g int generated always as (1 / (id - 77)) stored)",
       "22012"},
      {"create table t (id int, v text); create function f() returns trigger language plpgsql as "
       "$$ begin if new.id = 77 then raise 'not this one'; end if; return null; end $$; create "
       "trigger f after insert on t for each row execute function f()",
       "P0001"},
      {"create table t (id int, v text); create function f() returns trigger language plpgsql as "
       "$$ begin if new.id = 77 then new.v := null; end if; return new; end $$; create trigger f "
       "before insert on t for each row execute function f(); alter table t alter v set not null",
       "23502"},
  };
  for (const bool upserts : {false, true}) {
    for (const Refusing& c : refusing) {
      if (upserts && std::string(c.sql_state) == "23505") continue;
      db().run("drop table if exists t, p cascade; drop function if exists f cascade");
      db().run(c.setup);
      if (upserts) db().run("alter table t add unique (id)");
      options_.on_conflict = upserts ? writer::OnConflict::update : writer::OnConflict::error;
      options_.key = {"id"};
      options_.again = true;
      // A value of two lines is in front of it.
      std::string csv = numbers(1, 150);
      csv.replace(csv.find("\n5,value\n"), 9, "\n5,\"two\nlines\"\n");
      const Loaded refused = load(csv);
      EXPECT_EQ(c.sql_state, refused.sql_state) << refused.message;
      EXPECT_THAT(refused.message, HasSubstr("in.csv:79: ")) << c.setup;
      EXPECT_THAT(refused.message, HasSubstr("record 77, "));
      EXPECT_LE(rows(), 1);
      EXPECT_TRUE(no_session_left());
    }
  }
}

/// Constraints are judged where a plain load judges them: behind the triggers that may mend a
/// record, and else while the rows come.
TEST_F(Atomic, TriggersMendRecordsBeforeTheyAreJudged) {
  const std::string setup =
      "create domain small as int check (value < 1000); create table t (id int generated always as "
      "identity, n int not null check (n < 100), d small, v text not null default 'none', twice "
      "int generated always as (n * 2) stored, check (n > 0)); ";
  const std::string trigger =
      "create function f() returns trigger language plpgsql as $$ begin new.n := coalesce(new.n, "
      "7) % 100; return new; end $$; create trigger f before insert on t for each row execute "
      "function f()";
  const std::string csv = "id,n,d\n1,5,1\n2,,2\n3,205,3\n4,1,5000\n";
  options_.rejects.rejects_max = 5;
  options_.again = true;
  for (const bool mends : {true, false}) {
    std::string tables[2];
    for (const bool atomic : {false, true}) {
      db().run("drop table if exists t; drop domain if exists small; drop function if exists f");
      db().run(setup + (mends ? trigger : ""));
      options_.atomic = atomic;
      const Loaded loaded = load(csv);
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      EXPECT_EQ(mends ? 3U : 1U, loaded.report.total.rows_stored);
      EXPECT_EQ(mends ? 1U : 3U, loaded.report.rows_rejected);
      tables[atomic] = db().value("select string_agg(t::text, ' ' order by id) from t");
    }
    EXPECT_EQ(tables[0], tables[1]);
  }
  EXPECT_EQ("(1,5,1,none,10)", db().value("select string_agg(t::text, ' ') from t"));
}

}  // namespace
}  // namespace sluice::test
