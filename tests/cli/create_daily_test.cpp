#include <gmock/gmock.h>

#include <filesystem>
#include <set>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/patience.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// --create=if-not-exists: the same command with another file each day.
class CreateDaily : public DatabaseTest {
 protected:
  std::vector<std::string> command(const std::vector<std::string>& more) const {
    std::vector<std::string> all{"load", "-t", "t", "-d", url(), "--create=if-not-exists"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Finished load(const std::string& file, const std::string& csv,
                std::vector<std::string> more = {}) {
    more.insert(more.begin(), folder_.write(file, csv));
    return pgsluice(command(more));
  }
  std::string ids() {
    return db().value("select coalesce(string_agg(id::text, ' ' order by id), 'none') from t");
  }
  std::string columns() {
    return db().value(
        "select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by "
        "attnum) from pg_attribute where attrelid = 't'::regclass and attnum > 0");
  }
  /// So many sessions wait to make the table.
  bool are_making(int count) {
    return comes_true("select count(*) = " + std::to_string(count) +
                      " from pg_stat_activity where datname = current_database() and "
                      "wait_event_type = 'Lock' and query like '%create table%'");
  }

  TemporaryFolder folder_;
};

TEST_F(CreateDaily, MakesTheTableOnceAndLoadsIntoItThen) {
  const Finished first = load("day-1.csv", "id,v\n1,a\n");
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_THAT(first.err, HasSubstr("made public.t with 2 columns"));
  const Finished second = load("day-2.csv", "v,id\nb,2\n");
  EXPECT_EQ(0, second.exit_code) << second.err;
  EXPECT_THAT(second.err, Not(HasSubstr("made")));
  EXPECT_THAT(load("day-1.csv", "id,v\n1,a\n").out, HasSubstr("nothing to do"));
  EXPECT_EQ("1 2", ids());
  EXPECT_EQ("id integer, v text", columns());
  EXPECT_EQ("", ledger_disagreement("t"));
  // As without it, what does not fit is refused.
  EXPECT_EQ(1, load("day-3.csv", "id,v\nx,c\n").exit_code);
  EXPECT_EQ(2, load("day-4.csv", "id,w\n4,c\n").exit_code);
  EXPECT_EQ("1 2", ids());
}

/// The first file has decided how dates and numbers are read, and which names its columns have.
TEST_F(CreateDaily, ReadsEachFileAsTheOneThatMadeTheTable) {
  const std::vector<std::string> flags{"--names", "snake", "--delimiter", ";"};
  const std::string header = "id;Sold On;Net Price;id\n";
  ASSERT_EQ(
      0,
      load("day-1.csv", header + "1;31.12.2025;1,50;x\n2;30.12.2025;2,25;N/A\n", flags).exit_code);
  EXPECT_EQ("id integer, sold_on date, net_price numeric, id_2 text", columns());
  const Finished second =
      load("day-2.csv", header + "3;01.02.2026;1,75;y\n4;02.02.2026;3,25;z\n", flags);
  EXPECT_EQ(0, second.exit_code) << second.err;
  EXPECT_EQ("2026-02-01 1.75 y",
            db().value("select concat_ws(' ', sold_on, net_price, id_2) from t where id = 3"));
}

/// A day's file may have a column more: --add-columns goes with it.
TEST_F(CreateDaily, AddsColumnsThatALaterFileHas) {
  const std::vector<std::string> flags{"--names", "snake", "--add-columns"};
  const Finished first = load("day-1.csv", "id,Sold On\n1,31/12/2025\n", flags);
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_EQ("id integer, sold_on date", columns());
  const Finished second = load("day-2.csv", "Net Price,id,Sold On\n1.5,2,01/02/2026\n", flags);
  EXPECT_EQ(0, second.exit_code) << second.err;
  EXPECT_THAT(second.err, HasSubstr("added to public.t: net_price numeric"));
  EXPECT_EQ("id integer, sold_on date, net_price numeric", columns());
  EXPECT_EQ("2 2026-02-01 1.5",
            db().value("select concat_ws(' ', id, sold_on, net_price) from t where id = 2"));
  const Finished third = load("day-3.csv", "Sold On,id\n03/02/2026,3\n", flags);
  EXPECT_EQ(0, third.exit_code) << third.err;
  EXPECT_THAT(third.err, Not(HasSubstr("added")));
  EXPECT_THAT(load("day-2.csv", "Net Price,id,Sold On\n1.5,2,01/02/2026\n", flags).out,
              HasSubstr("nothing to do"));
  EXPECT_EQ("1 2 3", ids());
  EXPECT_EQ("", ledger_disagreement("t"));
  // Into a table of somebody else's too.
  db().run("drop table t; create table t (id int)");
  const Finished other = load("day-4.csv", "id,w\n4,x\n", flags);
  EXPECT_EQ(0, other.exit_code) << other.err;
  EXPECT_EQ("id integer, w text", columns());
}

TEST_F(CreateDaily, TakesATableThatSomebodyElseHasMade) {
  db().run("create table t (id bigint, v text, at timestamptz default now())");
  const Finished loaded = load("a.csv", "id,v\n1,a\n", {"--names", "snake", "--primary-key", "id"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("id bigint, v text, at timestamp with time zone", columns());
  EXPECT_EQ(0, load("b.csv", "id;v\n2;b\n3;c\n", {"--dialect", "auto"}).exit_code);
  EXPECT_EQ("1 2 3", ids());
  EXPECT_EQ(0, db().number("select count(*) from pgsluice.loads where options ? 'create'"));
}

TEST_F(CreateDaily, MayEmptyTheTableEachDay) {
  ASSERT_EQ(0, load("a.csv", "id\n1\n", {"--truncate"}).exit_code);
  EXPECT_EQ("1", ids());
  const Finished second = load("b.csv", "id\n2\n", {"--truncate"});
  EXPECT_NE(
      0, load("c.csv", "id\n2\n3\n", {"--on-conflict", "nothing", "--primary-key", "id"}).exit_code)
      << "the table has no key";
}

TEST_F(CreateDaily, UpsertsByTheKeyThatItMakes) {
  const std::vector<std::string> flags{"--on-conflict", "update", "--primary-key", "id"};
  ASSERT_EQ(0, load("a.csv", "id,v\n1,a\n2,b\n", flags).exit_code);
  ASSERT_EQ(0, load("b.csv", "id,v\n2,c\n3,d\n", flags).exit_code);
  EXPECT_EQ("acd", db().value("select string_agg(v, '' order by id) from t"));
}

TEST_F(CreateDaily, AFailedFirstDayIsGoneOnWith) {
  std::string csv = "id,v\n";
  for (int i = 0; i < 2000; ++i) csv += std::to_string(i) + ",a\n";
  folder_.write("a.csv", csv);
  const std::vector<std::string> slow =
      command({folder_ / "a.csv", "--chunk-size", "1KiB", "--max-rate", "100rows/s", "-j", "1"});
  {
    Process process(slow);
    wait_for_chunks(2);
    process.signal(SIGKILL);
    process.wait();
  }
  ASSERT_TRUE(no_session_left());
  // Another day's file comes first, and then the one that was not finished.
  ASSERT_EQ(0, load("b.csv", "id,v\n5000,b\n").exit_code);
  const Finished resumed = pgsluice(command({folder_ / "a.csv"}));
  EXPECT_EQ(0, resumed.exit_code) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("resuming load 1"));
  EXPECT_EQ(2001, db().number("select count(*) from t"));
  EXPECT_EQ("", ledger_disagreement("t"));
}

TEST_F(CreateDaily, TwoRunsAtOnceEndWell) {
  folder_.write("a.csv", "id,v\n1,2\n");
  folder_.write("b.csv", "v,id\n3,4\n");
  Session other(url());
  other.run("begin; create table t (id text)");
  // Both have found no table, and wait for the same name.
  Process a(command({folder_ / "a.csv"}));
  Process b(command({folder_ / "b.csv"}));
  ASSERT_TRUE(are_making(2));
  other.run("rollback");
  const Finished ended_a = a.wait();
  const Finished ended_b = b.wait();
  EXPECT_EQ(0, ended_a.exit_code) << ended_a.err;
  EXPECT_EQ(0, ended_b.exit_code) << ended_b.err;
  EXPECT_EQ(1, db().number("select count(*) from pgsluice.loads where options ? 'create'"));
  EXPECT_EQ("1 4", ids());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// As any two loads of one file: one of them loads it.
TEST_F(CreateDaily, TwoRunsOfOneFileLoadItOnce) {
  folder_.write("a.csv", "id,v\n1,2\n");
  Session other(url());
  other.run("begin; create table t (id text)");
  Process a(command({folder_ / "a.csv"}));
  Process b(command({folder_ / "a.csv"}));
  ASSERT_TRUE(are_making(2));
  other.run("rollback");
  constexpr int held = 6;
  const std::multiset<int> ends{a.wait().exit_code, b.wait().exit_code};
  EXPECT_TRUE(ends == (std::multiset<int>{0, 0}) || ends == (std::multiset<int>{0, held}));
  EXPECT_EQ("1", ids());
  EXPECT_EQ("", ledger_disagreement("t"));
}

TEST_F(CreateDaily, TakesTheTableThatSomebodyMakesMeanwhile) {
  const std::string header = "id;Sold On\n";
  folder_.write("a.csv", header + "1;31.12.2025\n");
  folder_.write("more.csv", header + "2;30.12.2025\n");
  Session other(url());
  other.run("begin; create table t (id bigint, \"Sold On\" text)");
  Process files(command({folder_ / "a.csv", folder_ / "more.csv", "--delimiter", ";"}));
  folder_.write("stream.csv", header + "3;29.12.2025\n");
  Process stream(command({"-", "--delimiter", ";"}),
                 {.input = folder_ / "stream.csv", .environment = {}});
  Process refused(
      {"load", folder_ / "a.csv", "-t", "t", "-d", url(), "--create", "--delimiter", ";"});
  ASSERT_TRUE(are_making(3));
  other.run("commit");
  const Finished of_files = files.wait();
  EXPECT_EQ(0, of_files.exit_code) << of_files.err;
  const Finished of_stream = stream.wait();
  EXPECT_EQ(0, of_stream.exit_code) << of_stream.err;
  const Finished of_refused = refused.wait();
  EXPECT_EQ(2, of_refused.exit_code);
  EXPECT_THAT(of_refused.err, HasSubstr("was made by somebody else meanwhile"));
  EXPECT_EQ("1 2 3", ids());
  EXPECT_EQ("31.12.2025", db().value("select \"Sold On\" from t where id = 1"))
      << "text there, and read as such";
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// What has the name of the table and is none.
TEST_F(CreateDaily, DoesNotTryForEver) {
  for (const char* other : {"create type t as (id int)", "create type t as enum ('a')",
                            "create table o (id int primary key); create index t on o (id)"}) {
    db().run(other);
    const Finished refused = load("a.csv", "id\n1\n");
    EXPECT_EQ(2, refused.exit_code) << other << ": " << refused.err;
    db().run("drop type if exists t; drop table if exists o");
  }
}

TEST_F(CreateDaily, RefusesWhatItIsNot) {
  const std::string file = folder_.write("a.csv", "id\n1\n");
  const Finished word = pgsluice({"load", file, "-t", "t", "-d", url(), "--create=maybe"});
  EXPECT_EQ(2, word.exit_code);
  EXPECT_THAT(word.err, HasSubstr("write --create, or --create=if-not-exists"));
  EXPECT_EQ(2, pgsluice(command({file, "--no-ledger"})).exit_code);
  EXPECT_EQ(2, pgsluice(command({file, "--replace", "true"})).exit_code);
  // One that is there, and --create alone.
  db().run("create table t (id int)");
  const Finished there = pgsluice({"load", file, "-t", "t", "-d", url(), "--create"});
  EXPECT_EQ(2, there.exit_code);
  EXPECT_THAT(there.err, HasSubstr("--create=if-not-exists"));
}

/// A job that begins with no table, on two days.
TEST_F(CreateDaily, GoesInASchedule) {
  std::filesystem::create_directory(folder_ / "in");
  const std::string config = folder_.write(
      "pgsluice.toml",
      "[[job]]\nname = \"feed\"\ncron = \"@every 1s\"\nload = [\"in/*.csv\"]\ntable = \"t\"\n"
      "settle = \"0s\"\nafter = \"move:done\"\nflags = [\"--create=if-not-exists\"]\n");
  ASSERT_EQ(0, pgsluice({"schedule", "check", "--config", config}).exit_code);
  const auto run_until = [&](int rows) {
    return is_seen([&] {
      const Finished ran = pgsluice({"schedule", "run", "--once", "--config", config, "-d", url()});
      EXPECT_EQ(0, ran.exit_code) << ran.err;
      const bool is_there = db().value("select to_regclass('t') is not null") == "t";
      return is_there && db().number("select count(*) from t") == rows;
    });
  };
  folder_.write("in/day-1.csv", "id,sold\n1,31/12/2025\n");
  ASSERT_TRUE(run_until(1));
  folder_.write("in/day-2.csv", "id,sold\n2,01/02/2026\n");
  ASSERT_TRUE(run_until(2));
  EXPECT_EQ("2026-02-01", db().value("select sold from t where id = 2"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "in"));
}

}  // namespace
}  // namespace sluice::test
