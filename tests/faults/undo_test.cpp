#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <csignal>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/killing.hpp"
#include "support/process.hpp"
#include "support/proxy.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// What is done once to a table as a whole, by a command that is killed at any moment.
class KilledOnce : public DatabaseTest {
 protected:
  /// Kills it after drawn times, and lets the last one run to its end. Returns how many were
  /// killed.
  int run_and_kill(const std::vector<std::string>& command, int rounds, int microseconds_max) {
    Killer killer(11, std::chrono::microseconds(microseconds_max));
    while (killer.goes_on(rounds, 0)) {
      killer.kills(command);
      EXPECT_TRUE(no_session_left());
      after_each_kill();
    }
    const Finished last = pgsluice(command);
    EXPECT_EQ(0, last.exit_code) << last.err;
    return killer.killed();
  }
  virtual void after_each_kill() {}

  TemporaryFolder folder_;
};

/// A load is half there in between, and nothing goes on with it but its undoing.
class KilledUndo : public KilledOnce {
 protected:
  void after_each_kill() override {
    if (db().value("select state from pgsluice.loads where load_id = 1") != "undoing") return;
    ++half_;
    EXPECT_EQ(7,
              pgsluice({"load", folder_ / "a.csv", "-t", "t", "--add", "load=:load", "-d", url()})
                  .exit_code);
    EXPECT_EQ(200000, db().number("select (select count(*) from t where load = 1) + rows_undone "
                                  "from pgsluice.loads where load_id = 1"));
    EXPECT_EQ(1001, db().number("select count(*) from t where load = 2 or load is null"));
  }
  int half_ = 0;
};

TEST_F(KilledUndo, GoesOnAndDeletesEachRowOnce) {
  // Wide rows: several parts.
  db().run(
      "create table t (id int, load bigint, wide text default repeat('x', 1500)); alter table t "
      "alter wide set storage plain; insert into t (id) values (0)");
  std::string csv = "id\n";
  for (int i = 1; i <= 200000; ++i) csv += std::to_string(i) + "\n";
  const auto load = [this](const std::string& path) {
    return pgsluice(
        {"load", path, "-t", "t", "--add", "load=:load", "-d", url(), "--progress", "none"});
  };
  ASSERT_EQ(0, load(folder_.write("a.csv", csv)).exit_code);
  ASSERT_EQ(0, load(folder_.write("b.csv", csv.substr(0, csv.find("\n1001\n") + 1))).exit_code);
  const std::vector<std::string> undo{"loads", "undo", "1",   "--table",  "t",   "--column",
                                      "load",  "-d",   url(), "--output", "json"};
  {
    // The first one in the middle, in front of a row that somebody else has locked.
    Session other(url());
    other.run("begin; select from t where load = 1 and id = 150000 for update");
    Process process(undo);
    ASSERT_TRUE(comes_true(
        "select rows_undone > 0 and exists (select from pg_locks where not granted) from "
        "pgsluice.loads where load_id = 1 and state = 'undoing'"));
    process.signal(SIGKILL);
    EXPECT_EQ(128 + SIGKILL, process.wait().exit_code);
    other.run("rollback");
    EXPECT_TRUE(no_session_left());
    after_each_kill();
    ASSERT_EQ(1, half_);
  }
  EXPECT_LT(0, run_and_kill(undo, 25, 250000));
  EXPECT_EQ("void 200000",
            db().value("select state || ' ' || rows_undone from pgsluice.loads where "
                       "load_id = 1"));
  EXPECT_EQ("0|1 2|1000",
            db().value("select string_agg(coalesce(load, 0) || '|' || n, ' ' order by "
                       "load nulls first) from (select load, count(*) n from t group "
                       "by load) by_load"));
}

/// Once, however often the load is killed and begun again.
TEST_F(KilledOnce, AfterSqlIsRunOnce) {
  db().run("create table t (id int, v text); create table said (rows bigint)");
  std::string csv = "id,v\n";
  for (int i = 1; i <= 3000; ++i) csv += std::to_string(i) + ",v\n";
  const std::string sql =
      folder_.write("after.sql", "insert into said select count(*) from t; select pg_sleep(0.02);");
  const std::string path = folder_.write("a.csv", csv);
  for (const char* how : {"", "--atomic", "--set-sequences"}) {
    SCOPED_TRACE(how);
    db().run("truncate t, said; drop schema if exists pgsluice cascade");
    std::vector<std::string> command{"load",        path,  "-t",           "t",
                                     "-d",          url(), "--progress",   "none",
                                     "--after-sql", sql,   "--chunk-size", "4K"};
    if (*how != '\0') command.emplace_back(how);
    EXPECT_LT(0, run_and_kill(command, 15, 120000));
    EXPECT_EQ("3000", db().value("select string_agg(rows::text, ' ') from said"));
    EXPECT_EQ(3000, db().number("select count(*) from t"));
    EXPECT_EQ("", ledger_disagreement("t"));
  }
}

/// A connection is cut behind each message in turn, before its answer comes: what was done is found
/// done, by the same run or by the next one.
class CutEverywhere : public DatabaseTest {
 protected:
  /// Runs the command through a proxy that cuts behind message number `cut`. False where there are
  /// not so many.
  bool run_and_cut(std::vector<std::string> command, std::size_t cut) {
    std::atomic<std::size_t> sent = 0;
    Proxy proxy(url(), [&](std::size_t, Proxy::Direction direction, const std::string&) {
      const bool is_here = direction == Proxy::Direction::to_server && ++sent == cut;
      return is_here ? Proxy::Action::swallow : Proxy::Action::pass;
    });
    command.insert(command.end(), {"-d", proxy.url(url())});
    pgsluice(std::move(command));
    EXPECT_TRUE(no_session_left());
    return sent >= cut;
  }
  void expect_well(std::vector<std::string> command) {
    command.insert(command.end(), {"-d", url()});
    const Finished finished = pgsluice(std::move(command));
    EXPECT_EQ(0, finished.exit_code) << finished.err;
  }

  TemporaryFolder folder_;
};

TEST_F(CutEverywhere, TheEndOfALoadIsDoneOnce) {
  db().run("create table t (id serial, v text); create table said (rows bigint)");
  const std::string path = folder_.write("a.csv", "id,v\n5,a\n6,b\n");
  const std::string sql = folder_.write("after.sql", "insert into said select count(*) from t");
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, {"--replace", "id < 100"}}) {
    std::vector<std::string> command{"load",        path,         "-t",
                                     "t",           "--progress", "none",
                                     "-j",          "1",          "--set-sequences",
                                     "--after-sql", sql,          "--retry-for",
                                     "60s"};
    command.insert(command.end(), more.begin(), more.end());
    std::size_t cut = 1;
    for (bool was_cut = true; was_cut && cut < 200; cut += every(3)) {
      SCOPED_TRACE("cut behind message " + std::to_string(cut));
      db().run(
          "truncate t restart identity; truncate said; drop schema if exists pgsluice cascade; "
          "insert into t (v) values ('old')");
      was_cut = run_and_cut(command, cut);
      expect_well(command);
      const std::string rows = more.empty() ? "3" : "2";
      EXPECT_EQ(rows, db().value("select string_agg(rows::text, ' ') from said"));
      EXPECT_EQ(rows, db().value("select count(*) from t"));
      EXPECT_EQ("7", db().value("select nextval('t_id_seq')"));
      EXPECT_EQ(more.empty() ? "0" : "1",
                db().value("select rows_deleted from pgsluice.loads where state = 'finished'"));
    }
    EXPECT_GT(cut, 10U);
  }
}

TEST_F(CutEverywhere, ALoadIsTakenOutOnce) {
  db().run("create table t (id int, load bigint)");
  const std::string path = folder_.write("a.csv", "id\n5\n6\n");
  const std::vector<std::string> undo{"loads",    "undo", "1",           "--table", "t",
                                      "--column", "load", "--retry-for", "60s"};
  std::size_t cut = 0;
  for (bool was_cut = true; was_cut && cut < 200;) {
    SCOPED_TRACE("cut behind message " + std::to_string(++cut));
    db().run(
        "truncate t; drop schema if exists pgsluice cascade; insert into t values (1, null), (2, "
        "2)");
    expect_well({"load", path, "-t", "t", "--add", "load=:load"});
    was_cut = run_and_cut(undo, cut);
    expect_well(undo);
    EXPECT_EQ("1 2", db().value("select string_agg(id::text, ' ' order by id) from t"));
    EXPECT_EQ("void 2", db().value("select state || ' ' || rows_undone from pgsluice.loads"));
  }
  EXPECT_GT(cut, 5U);
}

}  // namespace
}  // namespace sluice::test
