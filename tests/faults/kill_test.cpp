#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/killing.hpp"
#include "support/packed.hpp"
#include "support/patience.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class KillTest : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table t (id int, v text)");
    std::string csv = "id,v\n";
    for (int i = 1; i <= rows_; ++i)
      csv += std::to_string(i) + ",\"value\n" + std::to_string(i * 7) + "\"\n";
    path_ = folder_.write("in.csv", csv);
    db().run("create table expected (id int, v text)");
    db().copy("expected", "format csv, header", csv);
  }

  std::vector<std::string> command() const {
    return {"load", path_,          "--table",   "t",          "-d",
            url(),  "--chunk-size", chunk_size_, "--progress", "none"};
  }

  void pack(const std::string& command) {
    path_ = folder_.write("in.csv.packed", piped(command, read_file(path_)));
  }

  void expect_each_row_once() {
    EXPECT_EQ(content("expected"), content("t"));
    EXPECT_EQ("", ledger_disagreement("t"));
    EXPECT_TRUE(no_session_left());
  }

  static constexpr int rows_ = 40000;
  TemporaryFolder folder_;
  std::string path_;
  std::string chunk_size_ = "20K";
};

/// How rows get into the table, and how their file is packed.
struct WayIn {
  std::vector<std::string> flags;
  std::string packing;
};

/// A run that is killed at any moment leaves what the next one goes on with, however the rows get
/// into the table.
class KilledRuns : public KillTest, public ::testing::WithParamInterface<WayIn> {
 protected:
  void SetUp() override {
    KillTest::SetUp();
    if (!GetParam().packing.empty()) pack(GetParam().packing);
  }
  std::vector<std::string> command() const {
    std::vector<std::string> arguments = KillTest::command();
    arguments.insert(arguments.end(), GetParam().flags.begin(), GetParam().flags.end());
    return arguments;
  }
};

TEST_P(KilledRuns, AreGoneOnWith) {
  const std::vector<std::string>& flags = GetParam().flags;
  if (flags == std::vector<std::string>{"--atomic=prepared"} &&
      db().number("show max_prepared_transactions") == 0)
    GTEST_SKIP() << "the server prepares no transactions";
  db().run("alter table t add primary key (id)");
  Killer killer(5, time_of(command(), 0) / 3);
  db().run("truncate t; truncate pgsluice.loads cascade");
  while (killer.goes_on(20, 6)) {
    if (!killer.kills(command())) db().run("truncate t; truncate pgsluice.loads cascade");
    // The next run may find the lock of the last one until the server notices; it waits for that as
    // a person would.
    ASSERT_TRUE(no_session_left());
  }
  const Finished last = pgsluice(command());
  EXPECT_EQ(0, last.exit_code) << last.err;
  EXPECT_GT(killer.killed(), 5);
  expect_each_row_once();
  EXPECT_EQ(0, db().number("select count(*) from pg_class where relname ~ '^stage_'"));
  EXPECT_EQ(
      0, db().number("select count(*) from pg_prepared_xacts where database = current_database()"));
}

INSTANTIATE_TEST_SUITE_P(
    Ways, KilledRuns,
    ::testing::Values(
        WayIn{}, WayIn{{"--writer", "insert"}, ""}, WayIn{{"--on-conflict", "update"}, ""},
        WayIn{{"--atomic"}, ""}, WayIn{{}, "gzip -c"}, WayIn{{"--replace", "id > 0"}, ""},
        WayIn{{"--on-conflict", "update", "--delete-missing", "--max-deletes", "100%"}, ""},
        WayIn{{"--atomic=resumable"}, ""}, WayIn{{"--atomic=prepared"}, ""},
        WayIn{{"--atomic"}, "xz -0 -c --block-size=64KiB"}));

/// ... and where many small files share a transaction.
TEST_F(KillTest, SmallFilesAreGoneOnWith) {
  constexpr int files = 400;
  std::filesystem::create_directory(folder_ / "small");
  std::string all = "id,v\n";
  for (int i = 0; i < files; ++i) {
    std::string rows;
    for (int row = 0; row < 5; ++row) rows += std::to_string(i * 5 + row) + ",\"a\nb\"\n";
    folder_.write("small/" + std::to_string(1000 + i) + ".csv", "id,v\n" + rows);
    all += rows;
  }
  db().run("truncate expected");
  db().copy("expected", "format csv, header", all);
  path_ = folder_ / "small";
  Killer killer(7, time_of(command(), 0));
  expect_each_row_once();
  for (int round = 0; killer.goes_on(20, 6); ++round) {
    if (round % 5 == 0) db().run("truncate t; truncate pgsluice.loads cascade");
    const bool is_killed = killer.kills(command());
    ASSERT_TRUE(no_session_left());
    ASSERT_EQ("", ledger_disagreement("t"));
    if (!is_killed) db().run("truncate t; truncate pgsluice.loads cascade");
  }
  EXPECT_EQ(0, pgsluice(command()).exit_code);
  EXPECT_GT(killer.killed(), 5);
  expect_each_row_once();
}

/// Whether it is unpacked by a thread of its own or read as it is.
class InterruptedLoad : public KillTest, public ::testing::WithParamInterface<std::string> {};

TEST_P(InterruptedLoad, StopsAndCanBeResumed) {
  if (!GetParam().empty()) pack(GetParam());
  Gate gate(url(), "t", "id >= 20000");
  Process process(command());
  wait_for_chunks(3);
  ASSERT_TRUE(gate.is_reached());
  process.signal(SIGINT);
  gate.open();  // what is under way is ended well
  const Finished stopped = process.wait();
  EXPECT_EQ(130, stopped.exit_code) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("the same command goes on where it stopped"));
  EXPECT_EQ("", ledger_disagreement("t"));
  EXPECT_LT(db().number("select count(*) from t"), rows_);
  const Finished resumed = pgsluice(command());
  EXPECT_EQ(0, resumed.exit_code) << resumed.err;
  expect_each_row_once();
}

INSTANTIATE_TEST_SUITE_P(Packings, InterruptedLoad,
                         ::testing::Values("", "gzip -c", "zstd -q -c", "bzip2 -c"));

TEST_F(KillTest, SecondInterruptCancelsAtOnce) {
  db().run("begin; lock table t in share mode");
  Process process(command());
  Session other(url());
  ASSERT_TRUE(
      test::comes_true(other,
                       "select exists (select from pg_locks where not granted and locktype = "
                       "'relation' and relation = 't'::regclass)"));
  process.signal(SIGTERM);
  // Nothing tells that it has heard it; two at once would be one, and it waits for longer.
  std::this_thread::sleep_for(100ms);
  EXPECT_TRUE(process.running());  // it waits for the chunks in flight
  process.signal(SIGTERM);
  EXPECT_EQ(143, process.wait().exit_code);
  EXPECT_TRUE(no_session_left());  // also those that waited for the lock, which is still held
  db().run("commit");
  EXPECT_EQ(0, db().number("select count(*) from t"));
  EXPECT_EQ(0, pgsluice(command()).exit_code);
  expect_each_row_once();
}

TEST_F(KillTest, InterruptWhileAStreamSaysNothing) {
  int ends[2];
  ASSERT_EQ(0, ::pipe(ends));
  std::vector<std::string> arguments = command();
  arguments[1] = "/dev/fd/" + std::to_string(ends[0]);
  Process process(arguments);
  // It hears signals before it connects.
  ASSERT_TRUE(is_seen([this] { return sessions() > 0; }));
  std::this_thread::sleep_for(300ms);
  EXPECT_TRUE(process.running());
  process.signal(SIGINT);
  const Finished finished = process.wait();
  EXPECT_EQ(130, finished.exit_code);
  EXPECT_THAT(finished.err, HasSubstr("interrupted; nothing was stored"));
  EXPECT_EQ("", db().value("select to_regclass('pgsluice.loads')"));  // it had not begun
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(KillTest, TerminatedBackendsAreReplaced) {
  db().run(
      "create function slow() returns trigger language plpgsql as $$ begin perform "
      "pg_sleep(0.00005); return new; end $$;"
      "create trigger slow before insert on t for each row execute function slow()");
  chunk_size_ = "4K";  // short enough that a chunk is often stored between two terminations
  Gate gate(url(), "t", "id = 30000");
  std::vector<std::string> arguments = command();
  arguments.insert(arguments.end(), {"--jobs", "4", "--output", "json"});
  Process process(arguments);
  std::int64_t terminated = 0;
  // At the latest those who wait at the gate: a retry each.
  while (process.running() && terminated < 6) {
    // A writer's backend, not the one that holds the lock of the run.
    terminated += db().number(
        "select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity where "
        "application_name = 'pgsluice' and datname = current_database()"
        " and query like '/* pgsluice load%' and state = 'active' limit 1) as one");
    std::this_thread::sleep_for(150ms);
  }
  gate.open();
  const Finished finished = process.wait();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ(6, terminated);
  EXPECT_GT(nlohmann::json::parse(finished.out)["loads"][0]["retries"].get<int>(), 0);
  expect_each_row_once();
}

TEST_F(KillTest, StreamIsResumedToo) {
  db().run("alter table t add constraint small check (id < 30000)");
  std::vector<std::string> arguments = command();
  arguments[1] = "-";
  const Finished first = pgsluice(arguments, {.input = path_});
  EXPECT_EQ(1, first.exit_code);
  EXPECT_THAT(first.err, HasSubstr("stdin:"));
  db().run("alter table t drop constraint small");
  const Finished second = pgsluice(arguments, {.input = path_});
  EXPECT_EQ(0, second.exit_code) << second.err;
  expect_each_row_once();
  const Finished third = pgsluice(arguments, {.input = path_});
  EXPECT_EQ(0, third.exit_code) << third.err;
  EXPECT_THAT(third.out, HasSubstr("nothing to do"));
  // Another stream with the same beginning is not mistaken for it, and is not half loaded.
  const std::string other = folder_.write("other.csv", read_file(path_) + "1,x\n");
  const Finished fourth = pgsluice(arguments, {.input = other});
  EXPECT_EQ(7, fourth.exit_code) << fourth.err;
  expect_each_row_once();
}

}  // namespace
}  // namespace sluice::test
