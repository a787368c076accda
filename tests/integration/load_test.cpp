#include <gmock/gmock.h>

#include <filesystem>
#include <thread>

#include "app/runtime.hpp"
#include "ledger/ledger.hpp"
#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using load::LoadReport;
using ::testing::HasSubstr;
using ::testing::Not;

/// A small language for loads: write a file, load it, look at the table.
class LoadTest : public DatabaseTest {
 protected:
  Loaded load(const std::string& csv, const std::string& table = "t") {
    options_.path = folder_.write("in.csv", csv);
    options_.table = table;
    return run_load(url(), options_);
  }
  Loaded load_again() { return run_load(url(), options_); }

  /// Lines "1\n" to "n\n" behind a header.
  static std::string numbers(int count, const std::string& header = "id\n") {
    std::string csv = header;
    for (int i = 1; i <= count; ++i) csv += std::to_string(i) + "\n";
    return csv;
  }

  std::string rows(const std::string& sql) {
    std::string text;
    for (const auto& row : db().rows(sql)) {
      for (const std::string& field : row) text += field + "|";
      text += "\n";
    }
    return text;
  }

  TemporaryFolder folder_;
  plan::LoadOptions options_;
};

TEST_F(LoadTest, HeaderNamesTheColumnsInAnyOrder) {
  db().run(
      "create table t (gone int, id int, \"Name\" text, note text default 'none', twice int "
      "generated always as (id * 2) stored,"
      " key int generated always as identity); alter table t drop column gone");
  const Loaded loaded = load("name,ID\nx,1\n\"y,z\",2\n");
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ("1|x|none|2|1|\n2|y,z|none|4|2|\n", rows("select * from t order by id"));
  EXPECT_EQ(2U, loaded.report.total.rows_stored);
}

TEST_F(LoadTest, WithoutHeaderColumnsGoByPosition) {
  db().run("create table t (a int, b text, g int generated always as (a) stored)");
  options_.header = plan::HeaderMode::none;
  ASSERT_TRUE(load("1,x\n2,\n").ok());
  EXPECT_EQ("1|x|1|\n2|<null>|2|\n", rows("select * from t order by a"));
}

TEST_F(LoadTest, ColumnsAndMapNameTheColumns) {
  db().run("create table t (a int, b text)");
  options_.header = plan::HeaderMode::skip;
  options_.columns = {"text", "a", "junk"};
  options_.renames = {{"text", "b"}};
  options_.ignore_extra = true;
  const Loaded loaded = load("what,ever\nx,1,q\n");
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ("1|x|\n", rows("select * from t"));
}

TEST_F(LoadTest, HeaderIsNeverARowAndARowNeverAHeader) {
  db().run("create table t (a int, b text)");
  const Loaded loaded = load("1,x\n2,y\n");
  EXPECT_EQ(FailureKind::usage, loaded.failure);
  EXPECT_THAT(loaded.message, HasSubstr("--header=none"));
  EXPECT_EQ(0, db().number("select count(*) from t"));
}

TEST_F(LoadTest, EmptyFilesAreFine) {
  db().run("create table t (id int)");
  EXPECT_TRUE(load("").ok());
  EXPECT_TRUE(load("id\n").ok());
  EXPECT_EQ(0, db().number("select count(*) from t"));
}

TEST_F(LoadTest, OtherEncodings) {
  db().run("create table t (a text, n int)");
  options_.encoding = "LATIN1";
  ASSERT_TRUE(load("a,n\n\xe9t\xe9,1\n\xe9, 2\n").ok());  // the second record takes the slow lane
  EXPECT_EQ("\xc3\xa9t\xc3\xa9|\n\xc3\xa9|\n", rows("select a from t order by n"));
}

TEST_F(LoadTest, PartitionsViewsAndIndexes) {
  db().run(
      "create table t (id int primary key, v text) partition by range (id); create table t1 "
      "partition of t for values from (0) to (10);"
      "create table t2 partition of t for values from (10) to (100);"
      "create table base (id int); create view w as select id from base where id > 0;"
      "create function put() returns trigger language plpgsql as $$ begin insert into base values "
      "(new.id); return new; end $$;"
      "create trigger put instead of insert on w for each row execute function put()");
  ASSERT_TRUE(load("id,v\n1,a\n50,b\n").ok());
  EXPECT_EQ("1|1|\n", rows("select (select count(*) from t1), (select count(*) from t2)"));
  const Loaded loaded = load("id\n1\n2\n", "w");
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(2, db().number("select count(*) from base"));
  const Loaded outside = load("id,v\n1000,x\n");
  ASSERT_TRUE(outside.bad_record) << outside.message;
  EXPECT_EQ("23514", outside.sql_state);
}

TEST_F(LoadTest, RowsDroppedByATriggerAreCounted) {
  db().run(
      "create table t (id int); create function odd() returns trigger language plpgsql as $$ begin "
      "raise notice 'seen %', new.id;"
      " if new.id % 2 = 0 then return null; end if; return new; end $$;"
      "create trigger odd before insert on t for each row execute function odd()");
  options_.chunk_bytes = 100;
  const Loaded loaded = load(numbers(501));
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(251U, loaded.report.total.rows_stored);
  EXPECT_EQ(250U, loaded.report.total.rows_skipped);
  EXPECT_EQ(501U, loaded.report.records_read);
  EXPECT_EQ("", ledger_disagreement("t"));
}

struct RefusedCase {
  const char* name;
  const char* table;
  const char* csv;
  std::uint64_t line;
  const char* sql_state;
  const char* says;
};

/// Where the server finds the fault at the end of the COPY or of the transaction, bisection finds
/// the record.
const RefusedCase refused_cases[] = {
    {"conversion", "create table t (id int, n int)", "id,n\n1,1\n2,2x\n3,3\n", 3, "22P02",
     "in.csv:3: column \"n\": value \"2x\": invalid input syntax"},
    {"range", "create table t (id int, n smallint)", "id,n\n1,1\n2,40000\n", 3, "22003",
     "column \"n\": value \"40000\""},
    {"length", "create table t (id int, v varchar(3))", "id,v\n1,abc\n2,abcd\n", 3, "22001",
     "value too long"},
    {"precision", "create table t (id int, v numeric(4,2))", "id,v\n1,99.99\n2,100\n", 3, "22003",
     "numeric field overflow"},
    {"not null", "create table t (id int, v text not null)", "id,v\n1,a\n2,\n", 3, "23502",
     "column \"v\""},
    {"check", "create table t (id int, v int check (v < 10))", "id,v\n1,1\n2,10\n3,11\n", 3,
     "23514", "t_v_check"},
    {"unique", "create table t (id int primary key)", "id\n1\n2\n3\n2\n4\n", 5, "23505",
     "(id)=(2)"},
    {"foreign key",
     "create table p (id int primary key); insert into p values (1), (2); create table t (id int "
     "references p)",
     "id\n1\n2\n1\n7\n2\n8\n", 5, "23503", "(id)=(7)"},
    {"deferred foreign key",
     "create table p (id int primary key); insert into p values (1), (2); create table t (id int "
     "references p deferrable initially deferred)",
     "id\n1\n2\n1\n7\n2\n8\n", 5, "23503", "(id)=(7)"},
    {"exclusion", "create table t (r int4range, exclude using gist (r with &&))",
     "r\n\"[1,3)\"\n\"[5,6)\"\n\"[2,4)\"\n", 4, "23P01", "exclusion constraint"},
    {"trigger",
     "create table t (id int); create function no() returns trigger language plpgsql as $$ begin "
     "if new.id = 3 then raise exception 'not three'; end if; return new; end $$;"
     "create trigger no before insert on t for each row execute function no()",
     "id\n1\n2\n3\n4\n", 4, "P0001", "not three"},
    {"constraint trigger",
     "create table t (id int); create function no() returns trigger language plpgsql as $$ begin "
     "if new.id = 3 then raise exception 'not three'; end if; return new; end $$;"
     "create constraint trigger no after insert on t deferrable initially deferred for each row "
     "execute function no()",
     "id\n1\n2\n3\n4\n", 4, "P0001", "not three"},
    {"too many fields", "create table t (id int)", "id\n1\n2,x\n3\n", 3, "22P04",
     "extra data after last expected column"},
    {"too few fields", "create table t (id int, v text)", "id,v\n1,a\n2\n", 3, "22P04",
     "missing data for column \"v\""},
    {"unterminated quote", "create table t (id int, v text)", "id,v\n1,a\n2,\"b\n3,c\n", 3, "22P04",
     "unterminated CSV quoted field"},
    {"encoding", "create table t (id int, v text)", "id,v\n1,a\n2,b\xff\n", 3, "22021",
     "invalid byte sequence"},
    {"slow lane before fast lane", "create table t (id int check (id < 100))",
     "id\n1\n 200\n2\n300\n", 3, "23514", "t_id_check"},
    {"fast lane before slow lane", "create table t (id int check (id < 100))",
     "id\n1\n200\n2\n 300\n", 3, "23514", "t_id_check"},
    {"server's fault in front of a structural one", "create table t (id int check (id < 100))",
     "id\n1\n200\n2,x\n3\n", 3, "23514", "t_id_check"},
    {"structural fault in front of the server's", "create table t (id int check (id < 100))",
     "id\n1\n2,x\n200\n3\n", 3, "22P04", "extra data"},
};

TEST_F(LoadTest, FirstBadRecordIsNamed) {
  for (const RefusedCase& c : refused_cases) {
    db().run("drop table if exists t, p; drop function if exists no()");
    db().run(c.table);
    // Of two records that exclude each other, in chunks in flight together, either may be the bad
    // one.
    const std::string state = c.sql_state;
    options_.jobs = state == "23505" || state == "23P01" ? 1 : 2;
    for (const std::size_t chunk_bytes : {5UL, 1UL << 20}) {
      options_.chunk_bytes = chunk_bytes;
      options_.again = true;
      options_.truncate = true;
      const Loaded loaded = load(c.csv);
      ASSERT_TRUE(loaded.bad_record) << c.name << ": " << loaded.message;
      EXPECT_EQ(c.line, loaded.bad_record->reject().position.line)
          << c.name << ": " << loaded.message;
      EXPECT_EQ(c.sql_state, loaded.sql_state) << c.name;
      EXPECT_THAT(loaded.message, HasSubstr(c.says)) << c.name;
      EXPECT_EQ("", ledger_disagreement("t")) << c.name;
    }
    db().run("drop table t");
  }
  EXPECT_TRUE(no_session_left());
}

TEST_F(LoadTest, SecondRunHasNothingToDo) {
  db().run("create table t (id int)");
  ASSERT_TRUE(load(numbers(100)).ok());
  EXPECT_EQ(LoadReport::Status::nothing_to_do, load_again().report.status);
  // The same file touched: known by its content.
  folder_.write(std::filesystem::path(options_.path).filename().string(), numbers(100));
  EXPECT_EQ(LoadReport::Status::nothing_to_do, load_again().report.status);
  EXPECT_EQ(100, db().number("select count(*) from t"));
  options_.again = true;
  EXPECT_EQ(LoadReport::Status::stored, load_again().report.status);
  EXPECT_EQ(200, db().number("select count(*) from t"));
}

TEST_F(LoadTest, ChangeInTheMiddleOfALargeFileIsANewLoad) {
  db().run("create table t (id int)");
  options_.chunk_bytes = 50000;
  std::string csv = numbers(60000);
  ASSERT_TRUE(load(csv).ok());
  csv[csv.size() / 2] =
      csv[csv.size() / 2] == '\n' ? '\n' : '0';  // neither length nor beginning nor end tell
  while (csv == numbers(60000)) csv[csv.size() / 2 + 2] = '0';
  EXPECT_EQ(LoadReport::Status::stored, load(csv).report.status);
  EXPECT_EQ(120000, db().number("select count(*) from t"));
}

TEST_F(LoadTest, ResumesWhereItStopped) {
  db().run("create table t (id int check (id <> 777))");
  options_.chunk_bytes = 64;
  const Loaded first = load(numbers(1000));
  ASSERT_TRUE(first.bad_record);
  EXPECT_EQ(778U, first.bad_record->reject().position.line);
  const std::int64_t before = db().number("select count(*) from t");
  EXPECT_GT(before, 500);
  EXPECT_LT(before, 1000);  // another connection may have stored a chunk behind the bad one
  db().run("alter table t drop constraint t_id_check");
  options_.chunk_bytes = 1000;  // the load keeps the size that it began with
  options_.jobs = 4;
  const Loaded second = load_again();
  ASSERT_TRUE(second.ok()) << second.message;
  EXPECT_TRUE(second.report.resumed);
  EXPECT_EQ(first.report.load, second.report.load);
  EXPECT_EQ(1000U, second.report.total.rows_stored);
  EXPECT_EQ(1000U - before, second.report.now.rows_stored);
  EXPECT_EQ("1000|500500|\n", rows("select count(*), sum(id) from t"));
  EXPECT_EQ("", ledger_disagreement("t"));
}

class UnfinishedLoadTest : public LoadTest {
 protected:
  void SetUp() override {
    db().run("create table t (id int check (id <> 777))");
    options_.chunk_bytes = 64;
    ASSERT_TRUE(load(numbers(1000)).bad_record);
    stored_ = db().number("select count(*) from t");
  }
  std::int64_t stored_ = 0;
};

TEST_F(UnfinishedLoadTest, ChangedFileIsRefusedAndTheDifferenceNamed) {
  std::string csv = numbers(1001);
  csv.replace(csv.find("\n999\n") + 1, 3, "998");
  Loaded loaded = load(csv);
  EXPECT_EQ(FailureKind::changed, loaded.failure);
  EXPECT_THAT(loaded.message, HasSubstr("it had 3896 bytes then and has 3901 now"));
  EXPECT_THAT(loaded.message, HasSubstr("--again"));
  EXPECT_EQ(stored_, db().number("select count(*) from t"));
}

TEST_F(UnfinishedLoadTest, FileChangedInsideAStoredChunkIsRefused) {
  // Larger than what the fingerprint looks at, changed in between.
  db().run(
      "truncate t; alter table t drop constraint t_id_check; alter table t add check (id > 0)");
  std::string csv = numbers(60000);
  csv.replace(csv.find("\n59999\n") + 1, 5, "-0005");
  ASSERT_TRUE(load(csv).bad_record);
  csv.replace(csv.find("\n20000\n") + 1, 5, "20009");
  const Loaded loaded = load(csv);
  EXPECT_EQ(FailureKind::changed, loaded.failure) << loaded.message;
  EXPECT_THAT(loaded.message, HasSubstr("has changed since load"));
}

TEST_F(UnfinishedLoadTest, OtherOptionsAreRefusedByName) {
  options_.dialect.null_text = "NA";
  const Loaded loaded = load_again();
  EXPECT_EQ(FailureKind::changed, loaded.failure);
  EXPECT_THAT(loaded.message, HasSubstr("--null: \"\" then, \"NA\" now"));
}

TEST_F(UnfinishedLoadTest, AgainStartsAnew) {
  db().run("alter table t drop constraint t_id_check");
  options_.again = true;
  options_.truncate = true;
  ASSERT_TRUE(load_again().ok());
  EXPECT_EQ(1000, db().number("select count(*) from t"));
  EXPECT_EQ("", ledger_disagreement("t"));
}

TEST_F(UnfinishedLoadTest, EmptiedTargetIsLoadedFromTheStart) {
  db().run("alter table t drop constraint t_id_check; truncate t");
  const Loaded loaded = load_again();
  ASSERT_TRUE(loaded.ok());
  EXPECT_FALSE(loaded.report.resumed);
  ASSERT_EQ(1U, loaded.report.notes.size());
  EXPECT_THAT(loaded.report.notes.front(), HasSubstr("is empty now"));
  EXPECT_EQ(1000, db().number("select count(*) from t"));
}

TEST_F(UnfinishedLoadTest, WhatBeganWithoutTruncateIsNotResumedWithIt) {
  db().run("alter table t drop constraint t_id_check");
  options_.truncate = true;
  const Loaded loaded = load_again();
  ASSERT_TRUE(loaded.ok());
  EXPECT_FALSE(loaded.report.resumed);
  EXPECT_EQ(1000, db().number("select count(*) from t"));
}

TEST_F(UnfinishedLoadTest, DroppedAndMadeAgainTheTargetIsAnotherTable) {
  db().run("drop table t; create table t (id int)");
  ASSERT_TRUE(load_again().ok());
  EXPECT_EQ(1000, db().number("select count(*) from t"));
}

TEST_F(LoadTest, FinishedLoadIntoAnEmptiedTargetIsLoadedAgain) {
  db().run("create table t (id int)");
  ASSERT_TRUE(load(numbers(10)).ok());
  db().run("delete from t");
  const Loaded loaded = load_again();
  EXPECT_EQ(LoadReport::Status::stored, loaded.report.status);
  EXPECT_EQ(10, db().number("select count(*) from t"));
  EXPECT_EQ("", ledger_disagreement("t"));
}

TEST_F(LoadTest, TruncateIsPartOfTheLoad) {
  db().run("create table t (id int); insert into t values (-1)");
  options_.truncate = true;
  ASSERT_TRUE(load(numbers(10)).ok());
  EXPECT_EQ(10, db().number("select count(*) from t"));
  EXPECT_EQ(LoadReport::Status::nothing_to_do, load_again().report.status);
}

TEST_F(LoadTest, LockTimeoutHoldsForTruncateToo) {
  db().run("create table t (id int)");
  db().run("begin; lock table t in access share mode");
  options_.truncate = true;
  options_.settings = {{"lock_timeout", "100ms"}};
  for (const bool use_ledger : {true, false}) {
    options_.use_ledger = use_ledger;
    EXPECT_EQ("55P03", load(numbers(10)).sql_state);
  }
  db().run("commit");
}

TEST_F(LoadTest, LimitStops) {
  db().run("create table t (id int)");
  options_.limit = 25;
  options_.chunk_bytes = 40;
  ASSERT_TRUE(load(numbers(100)).ok());
  EXPECT_EQ("25|325|\n", rows("select count(*), sum(id) from t"));
}

TEST_F(LoadTest, DryRunStoresNothing) {
  db().run("create table t (id int)");
  options_.dry_run = true;
  const Loaded loaded = load(numbers(100));
  EXPECT_EQ(LoadReport::Status::dry_run, loaded.report.status);
  EXPECT_GT(loaded.report.plan.memory_bytes_max, 0U);
  EXPECT_EQ("t|<null>|\n", rows("select count(*) = 0, to_regclass('pgsluice.loads') from t"));
}

TEST_F(LoadTest, WithoutLedgerNothingIsRemembered) {
  db().run("create table t (id int)");
  options_.use_ledger = false;
  ASSERT_TRUE(load(numbers(100)).ok());
  ASSERT_TRUE(load_again().ok());
  EXPECT_EQ(200, db().number("select count(*) from t"));
  EXPECT_EQ("", db().value("select to_regclass('pgsluice.loads')"));
}

TEST_F(LoadTest, SettingsReachEachTransaction) {
  db().run("create table t (id int, who text default current_setting('my.tag'))");
  options_.settings = {{"my.tag", "it's"}, {"lock_timeout", "3s"}};
  ASSERT_TRUE(load("id\n1\n").ok());
  EXPECT_EQ("it's|\n", rows("select who from t"));
}

TEST_F(LoadTest, SecondRunAtTheSameTimeIsHeldOff) {
  db().run("create table t (id int)");
  db().run("begin; lock table t in share mode");  // the first run waits at its first chunk
  options_.path = folder_.write("in.csv", numbers(1000));
  options_.table = "t";
  Loaded first;
  std::thread running([&] { first = run_load(url(), options_); });
  Session other(url());
  EXPECT_TRUE(test::comes_true(
      other, "select exists (select from pg_locks where not granted and locktype = 'relation')"));
  const Loaded second = load_again();
  EXPECT_EQ(FailureKind::held, second.failure) << second.message;
  EXPECT_THAT(second.message, HasSubstr("pgsluice"));
  db().run("commit");
  running.join();
  EXPECT_TRUE(first.ok()) << first.message;
  EXPECT_EQ(1000, db().number("select count(*) from t"));
  EXPECT_TRUE(no_session_left());
}

TEST_F(LoadTest, ManyFirstRunsMakeOneLedger) {
  db().run("create table t (id int)");
  std::vector<std::thread> threads;
  std::vector<Loaded> loaded(6);
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    threads.emplace_back([&, i] {
      plan::LoadOptions options;
      const std::string number = std::to_string(i);
      // None of them begins with another one.
      options.path = folder_.write("in" + number + ".csv",
                                   numbers(9 + static_cast<int>(i), "id\n-" + number + "\n"));
      options.table = "t";
      loaded[i] = run_load(url(), options);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Loaded& one : loaded) EXPECT_TRUE(one.ok()) << one.message;
  EXPECT_EQ(75, db().number("select count(*) from t"));
  EXPECT_EQ("", ledger_disagreement("t"));
}

TEST_F(LoadTest, UserWithoutTheRightToCreateALedgerIsToldWhatToDo) {
  const std::string poor = url_of_new_role("pgsluice_test_poor");
  db().run("create table t (id int); grant insert on t to pgsluice_test_poor");
  options_.path = folder_.write("in.csv", numbers(10));
  options_.table = "t";
  const Loaded loaded = run_load(poor, options_);
  EXPECT_EQ(FailureKind::denied, loaded.failure);
  EXPECT_THAT(loaded.message,
              HasSubstr("create schema pgsluice authorization \"pgsluice_test_poor\""));
  EXPECT_THAT(loaded.message, HasSubstr("--no-ledger"));
  options_.use_ledger = false;
  EXPECT_TRUE(run_load(poor, options_).ok());
  options_.use_ledger = true;
  db().run("create schema pgsluice authorization pgsluice_test_poor");
  EXPECT_TRUE(run_load(poor, options_).ok());
  EXPECT_EQ(LoadReport::Status::nothing_to_do, run_load(poor, options_).report.status);
  db().run("drop owned by pgsluice_test_poor; drop role pgsluice_test_poor");
}

TEST_F(LoadTest, UserToWhomTheLedgerIsNotOpenIsToldWhatToDo) {
  const std::string poor = url_of_new_role("pgsluice_test_stranger");
  db().run("create table t (id int); grant insert on t to pgsluice_test_stranger");
  options_.path = folder_.write("in.csv", numbers(10));
  options_.table = "t";
  ASSERT_TRUE(run_load(url(), options_).ok());
  options_.path = folder_.write("more.csv", numbers(19, "id\n0\n"));
  for (const char* grant :
       {"grant usage on schema pgsluice to pgsluice_test_stranger",
        "grant select, insert, update on pgsluice.loads, pgsluice.chunks, pgsluice.unlogged_marks "
        "to pgsluice_test_stranger",
        "grant usage on sequence pgsluice.loads_load_id_seq to pgsluice_test_stranger"}) {
    const Loaded loaded = run_load(poor, options_);
    EXPECT_EQ(FailureKind::denied, loaded.failure);
    EXPECT_THAT(loaded.message, HasSubstr("grant "));
    EXPECT_THAT(loaded.message, HasSubstr("to pgsluice_test_stranger;\n  Or load"));
    EXPECT_THAT(loaded.message, Not(HasSubstr("delete")));
    EXPECT_THAT(loaded.message, HasSubstr("--no-ledger"));
    db().run(grant);
  }
  const Loaded allowed = run_load(poor, options_);
  EXPECT_TRUE(allowed.ok()) << allowed.message;
  db().run(
      "revoke all on schema pgsluice, public from pgsluice_test_stranger; grant usage on schema "
      "public to pgsluice_test_stranger");
  options_.use_ledger = false;
  EXPECT_TRUE(run_load(poor, options_).ok());
  EXPECT_EQ(50, db().number("select count(*) from t"));
  db().run("drop owned by pgsluice_test_stranger; drop role pgsluice_test_stranger");
}

TEST_F(LoadTest, TableUnderRowSecurityIsLoadedByInsert) {
  const std::string limited = url_of_new_role("pgsluice_test_rls");
  db().run(
      "create table t (id int); alter table t enable row level security; alter table t force row "
      "level security;"
      "grant all on t to pgsluice_test_rls");
  db().run("create policy p on t with check (id <> 7)");
  db().run("grant create on database " + db().value("select current_database()") +
           " to pgsluice_test_rls");
  options_.path = folder_.write("in.csv", numbers(10));
  options_.table = "t";
  const Loaded refused = run_load(limited, options_);
  EXPECT_EQ("42501", refused.sql_state) << refused.message;
  EXPECT_THAT(refused.message, HasSubstr("row-level security policy"));
  EXPECT_EQ(0, db().number("select count(*) from t"));
  db().run("drop policy p on t; create policy p on t with check (id < 100)");
  const Loaded loaded = run_load(limited, options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_THAT(loaded.report.notes, ::testing::Contains(HasSubstr("row-level security")));
  EXPECT_EQ("pipelined INSERT", loaded.report.plan.writer);
  EXPECT_EQ(10, db().number("select count(*) from t"));
  options_.writer = plan::WriterChoice::copy;
  options_.again = true;
  EXPECT_EQ(FailureKind::usage, run_load(limited, options_).failure);
  db().run("drop owned by pgsluice_test_rls; drop role pgsluice_test_rls");
}

}  // namespace
}  // namespace sluice::test
