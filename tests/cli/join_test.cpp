#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <memory>
#include <optional>
#include <random>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/process.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Several commands, as on several hosts, that load the same files.
class Join : public DatabaseTest {
 protected:
  void SetUp() override { db().run("create table t (id int, name text)"); }

  std::string write(const std::string& name, int begin, int rows) {
    std::string csv = "id,name\n";
    for (int i = begin; i < begin + rows; ++i)
      csv += std::to_string(i) + ",\"row\n" + std::to_string(i) + "\"\n";
    rows_ += rows;
    return folder_->write(name, csv);
  }
  void write_many(int files, int rows) {
    for (int i = 0; i < files; ++i) write(std::to_string(i) + ".csv", 1'000'000 + i * rows, rows);
  }

  std::vector<std::string> command(std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"load", *folder_ / "*.csv", "-t",           "t",    "-d",
                                 url(),  "--join",           "--progress",   "none", "-j",
                                 "2",    "--keep-going",     "--chunk-size", "16KiB"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::unique_ptr<Process> start(std::vector<std::string> more = {}) const {
    return std::make_unique<Process>(command(std::move(more)));
  }

  /// Each row is there once, and each file has been loaded once.
  void expect_each_once(int files) {
    EXPECT_EQ(rows_, db().number("select count(*) from t"));
    EXPECT_EQ(rows_, db().number("select count(distinct id) from t"));
    EXPECT_EQ(0, db().number("select count(*) from t where name <> e'row\\n' || id"));
    EXPECT_EQ(files, db().number("select count(*) from pgsluice.loads where state = 'finished'"));
    EXPECT_EQ(0, db().number("select count(*) from pgsluice.loads where state <> 'finished'"));
  }

  std::optional<TemporaryFolder> folder_ = std::make_optional<TemporaryFolder>();
  int rows_ = 0;
};

TEST_F(Join, CommandsSideBySideLoadEachFileOnce) {
  write_many(400, 20);
  write("long.csv", 0, 20'000);
  write("other.csv", 100'000, 20'000);
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < 3; ++i) all.push_back(start());
  for (const auto& one : all) {
    const Finished finished = one->wait();
    EXPECT_EQ(0, finished.exit_code) << finished.err;
  }
  expect_each_once(402);
}

/// Others begin what is behind a file that fails: there is no order that one connection would keep.
TEST_F(Join, SmallFilesGoTogetherOverOneConnectionToo) {
  write_many(64, 5);
  const auto with_one = [this](const std::string& last) {
    return pgsluice({"load", *folder_ / "*.csv", "-t", "t", "-d", url(), "--join", "-j", "1",
                     "--progress", "none", last});
  };
  EXPECT_EQ(0, with_one("-q").exit_code);
  expect_each_once(64);
  const std::int64_t transactions =
      db().number("select count(distinct xmin::text) from pgsluice.loads");
  EXPECT_LT(transactions, 16);

  folder_->write("worse.csv", "id,name\nnone,x\n");
  const Finished failed = with_one("-v");
  EXPECT_EQ(1, failed.exit_code) << failed.err;
  EXPECT_THAT(failed.err, HasSubstr("worse.csv"));
}

TEST_F(Join, WhoComesLaterWaitsForWhatTheFirstOneHas) {
  write("long.csv", 0, 20'000);
  Gate gate(url(), "t", "id >= 10000");
  const auto first = start();
  ASSERT_TRUE(gate.is_reached());
  const auto second = start();
  EXPECT_TRUE(second->says("1 file is being loaded by another command"));
  gate.open();
  EXPECT_EQ(0, first->wait().exit_code);
  const Finished waited = second->wait();
  EXPECT_EQ(0, waited.exit_code) << waited.err;
  expect_each_once(1);
}

TEST_F(Join, GoesOnWithWhatOneThatDiedHasLeft) {
  write("long.csv", 0, 20'000);
  Gate gate(url(), "t", "id >= 10000");
  const auto first = start();
  ASSERT_TRUE(gate.is_reached());
  ASSERT_TRUE(comes_true("select count(*) > 2 from pgsluice.chunks"));
  const auto second = start();
  EXPECT_TRUE(second->says("being loaded by another command"));
  first->signal(SIGKILL);
  first->wait();
  gate.open();
  const Finished finished = second->wait();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("resuming load"));
  expect_each_once(1);
}

TEST_F(Join, TakesOverFromOneThatIsSilentAndThatOneEndsWell) {
  write("long.csv", 0, 20'000);
  Gate gate(url(), "t", "id >= 10000");
  const auto first = start({"--lease", "1s"});
  ASSERT_TRUE(gate.is_reached());
  const auto second = start({"--lease", "1s"});
  EXPECT_TRUE(second->says("being loaded by another command"));
  first->signal(SIGSTOP);
  gate.open();
  const Finished finished = second->wait();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  first->signal(SIGCONT);
  const Finished paused = first->wait();
  EXPECT_EQ(0, paused.exit_code) << paused.err;
  expect_each_once(1);
}

TEST_F(Join, OneThatWaitsForTheServerIsNotSilent) {
  write("long.csv", 0, 20'000);
  Gate gate(url(), "t", "id >= 10000");
  const auto first = start({"--lease", "1s"});
  ASSERT_TRUE(gate.is_reached());
  const auto second = start({"--lease", "1s"});
  EXPECT_TRUE(second->says("being loaded by another command"));
  // For the time of several leases: what the lock's session says of itself is never old.
  db().run("select pg_sleep(4)");
  gate.open();
  const Finished finished = first->wait();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, Not(HasSubstr("lost")));
  EXPECT_EQ(0, second->wait().exit_code);
  expect_each_once(1);
}

TEST_F(Join, AFileThatCannotBeLoadedFailsAllOfThem) {
  write_many(20, 20);
  folder_->write("bad.csv", "id,name\n1,row\nx,row\n");
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < 2; ++i) all.push_back(start());
  for (const auto& one : all) {
    const Finished finished = one->wait();
    EXPECT_EQ(1, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("bad.csv:3"));
  }
  EXPECT_EQ(rows_, db().number("select count(*) from t where id >= 1000000"));
}

TEST_F(Join, BadRecordsOfAllAreInOneTable) {
  for (int i = 0; i < 10; ++i)
    folder_->write(std::to_string(i) + ".csv", "id,name\n" + std::to_string(i) + ",row\nx,row\n");
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < 2; ++i) all.push_back(start({"--max-rejects", "1"}));
  for (const auto& one : all) one->wait();
  EXPECT_EQ(10, db().number("select count(*) from t"));
  EXPECT_EQ(10, db().number("select count(*) from pgsluice.rejects where reason is not null"));
}

TEST_F(Join, RefusesWhatOnlyOneCommandCanDo) {
  write_many(2, 2);
  const std::vector<std::vector<std::string>> refused{{"--truncate"},
                                                      {"--limit", "1"},
                                                      {"--on-conflict", "nothing"},
                                                      {"--replace", "id > 0"},
                                                      {"--no-ledger"},
                                                      {"--defer-indexes"},
                                                      {"--lease", "10ms"},
                                                      {"--lease", "0s"},
                                                      {"--again"},
                                                      {"--rejects", "r.csv", "--max-rejects", "1"}};
  for (const auto& flags : refused) {
    const Finished finished = pgsluice(command(flags));
    EXPECT_EQ(2, finished.exit_code) << flags.front() << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(flags.front()));
  }
  EXPECT_EQ(
      2, pgsluice({"load", *folder_ / "0.csv", "-t", "t", "-d", url(), "--lease", "5s"}).exit_code);
  const Finished stdin_given = pgsluice({"load", "-", "-t", "t", "-d", url(), "--join"});
  EXPECT_EQ(2, stdin_given.exit_code);
  EXPECT_EQ(0, db().number("select count(*) from t"));
}

/// Some are killed, others paused for longer than the lease, at any moment; new ones come.
TEST_F(Join, WhateverBecomesOfThemEachRowComesOnce) {
  std::mt19937 random(17);
  const auto below = [&random](unsigned n) { return static_cast<int>(random() % n); };
  const std::size_t rounds = 102 / every(34);
  for (std::size_t round = 0; round < rounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    db().run("truncate t; drop schema if exists pgsluice cascade");
    rows_ = 0;
    folder_.emplace();
    write_many(40 + below(200), 10);
    const int long_files = 1 + below(3);
    for (int i = 0; i < long_files; ++i)
      write("long" + std::to_string(i) + ".csv", i * 20'000, 5'000 + below(10'000));
    std::vector<std::unique_ptr<Process>> all;
    std::vector<std::unique_ptr<Process>> paused;
    const int commands = 2 + below(4);
    for (int i = 0; i < commands; ++i) all.push_back(start({"--lease", "1s"}));
    for (int event = 0; event < 3; ++event) {
      db().run("select pg_sleep(" + std::to_string(below(400)) + " / 1000.0)");
      const auto which = all.begin() + below(static_cast<unsigned>(all.size()));
      if (below(2) == 0) {
        (*which)->signal(SIGKILL);
        (*which)->wait();
      } else {
        (*which)->signal(SIGSTOP);
        paused.push_back(std::move(*which));
      }
      *which = start({"--lease", "1s"});
    }
    for (const auto& one : all) {
      const Finished finished = one->wait();
      EXPECT_EQ(0, finished.exit_code) << finished.err;
    }
    for (const auto& one : paused) {
      one->signal(SIGCONT);
      const Finished finished = one->wait();
      EXPECT_EQ(0, finished.exit_code) << finished.err;
    }
    EXPECT_EQ(rows_, db().number("select count(*) from t"));
    EXPECT_EQ(rows_, db().number("select count(distinct id) from t"));
    EXPECT_EQ(0, db().number("select count(*) from pgsluice.loads where state <> 'finished'"));
  }
}

}  // namespace
}  // namespace sluice::test
