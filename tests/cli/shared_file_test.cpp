#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/process.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// Several commands, as on several hosts, that share one file (--join) by segments so small that
/// quotes with line ends in them lie over most of their borders.
class SharedFile : public DatabaseTest {
 protected:
  void SetUp() override { db().run("create table t (id int, name text)"); }

  void write(int rows, unsigned seed = 1) {
    std::mt19937 random(seed);
    csv_ = "id,name\n";
    for (int id = 0; id < rows; ++id) {
      std::string name;
      for (unsigned part = random() % 4; part > 0; --part)
        name += random() % 2 == 0 ? "\n\"\",\n" : "\"\"x,";
      csv_ += std::to_string(id) + ",\"" + name + std::to_string(id) + "\"\n";
    }
    rows_ = rows;
    path_ = folder_.write("big.csv", csv_);
  }

  std::vector<std::string> command(std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"load",   path_,
                                 "-t",     "t",
                                 "-d",     url(),
                                 "--join", "-j",
                                 "2",      "--progress",
                                 "none",   "--lease",
                                 "1s",     "--segment-size",
                                 segment_, "--chunk-size",
                                 "16KiB"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::unique_ptr<Process> start(std::vector<std::string> more = {}) const {
    return std::make_unique<Process>(command(std::move(more)));
  }

  std::string folder_made(const std::string& name) const {
    const std::string path = folder_ / name;
    std::filesystem::create_directory(path);
    return path;
  }
  /// Of the server, if it is on this machine.
  std::string socket() { return socket_folder() + "/.s.PGSQL." + std::string(PQport(db().raw())); }
  std::string socket_folder() {
    const std::string folders = db().value("show unix_socket_directories");
    return folders.substr(0, folders.find(','));
  }
  std::string url_by_socket() {
    return "host=" + socket_folder() + " port=" + PQport(db().raw()) +
           " user=" + PQuser(db().raw()) + " dbname=" + PQdb(db().raw());
  }

  /// What the one has that waits at a gate.
  bool all_but_held_are_stored() {
    return comes_true(
        "select count(*) filter (where stored_at is not null) > 2 and count(*) filter (where "
        "stored_at is null and (holder is null or holder <> '')) = 0 from pgsluice.segments");
  }

  void stop_in_the_middle() {
    Gate gate(url(), "t", "id > 20000");
    const auto first = start();
    ASSERT_TRUE(gate.is_reached());
    ASSERT_TRUE(comes_true("select count(*) > 2 from pgsluice.chunks"));
    first->signal(SIGKILL);
    first->wait();
    gate.open();
  }

  /// Each row once, with all of its text; one finished load, whose chunks lie side by side from the
  /// file's first record to its end, with true lines and records.
  void expect_each_once() {
    EXPECT_EQ(rows_, db().number("select count(*) from t"));
    EXPECT_EQ(rows_, db().number("select count(distinct id) from t"));
    db().run("create table one (id int, name text)");
    EXPECT_EQ(0, pgsluice({"load", path_, "-t", "one", "-d", url(), "--no-ledger"}).exit_code);
    EXPECT_EQ(0, db().number("select count(*) from ((select * from one except select * from t) "
                             "union all (select * from t except select * from one)) d"));
    db().run("drop table one");
    EXPECT_EQ("finished", db().value("select string_agg(state, ',') from pgsluice.loads"));
    EXPECT_EQ(0, db().number("select count(*) from pgsluice.segments where stored_at is null"));
    const auto next_to = [this](const std::string& next, const std::string& place) {
      return db().number("select count(*) from (select " + place + ", lag(" + next +
                         ") over (order by chunk) as expected from "
                         "pgsluice.chunks) c where " +
                         place + " <> expected");
    };
    EXPECT_EQ(0, next_to("byte_offset + byte_count", "byte_offset"));
    EXPECT_EQ(0, next_to("first_line + line_count", "first_line"));
    EXPECT_EQ(0, next_to("first_record + records_read", "first_record"));
  }

  TemporaryFolder folder_;
  std::string csv_;
  std::string path_;
  std::string segment_ = "64KiB";
  int rows_ = 0;
};

TEST_F(SharedFile, IsLoadedOnceByAllTogether) {
  write(60'000);
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < 3; ++i) all.push_back(start());
  for (const auto& one : all) {
    const Finished finished = one->wait();
    EXPECT_EQ(0, finished.exit_code) << finished.err;
  }
  expect_each_once();
  const Finished again = pgsluice(command());
  EXPECT_EQ(0, again.exit_code);
  EXPECT_THAT(again.out + again.err, HasSubstr("nothing to do"));
}

/// The first one waits in its first segment: others take the rest, and say so.
TEST_F(SharedFile, WhoComesLaterTakesWhatIsLeft) {
  write(40'000);
  Gate gate(url(), "t", "id < 100");
  const auto first = start();
  ASSERT_TRUE(gate.is_reached());
  const auto second = start();
  EXPECT_TRUE(all_but_held_are_stored());
  EXPECT_LT(rows_ / 2, db().number("select count(*) from t"));
  const auto shown =
      nlohmann::json::parse(pgsluice({"loads", "show", "1", "-d", url(), "--output", "json"}).out);
  EXPECT_LT(2, shown["segments"]["stored"]);
  EXPECT_LE(1U, shown["segments"]["held"].size());
  EXPECT_THAT(pgsluice({"loads", "show", "1", "-d", url()}).out, HasSubstr("are stored"));
  gate.open();
  EXPECT_EQ(0, first->wait().exit_code);
  const Finished helped = second->wait();
  EXPECT_EQ(0, helped.exit_code);
  EXPECT_THAT(helped.err, HasSubstr("of load 1 stored by this command (--join)"));
  expect_each_once();
}

TEST_F(SharedFile, IsGoneOnWithByWhoeverIsLeft) {
  write(40'000);
  for (const bool kills : {true, false}) {
    SCOPED_TRACE(kills ? "killed" : "paused");
    db().run("truncate t; drop schema if exists pgsluice cascade");
    Gate gate(url(), "t", "id < 100");
    const auto first = start();
    ASSERT_TRUE(gate.is_reached());
    const auto second = start();
    EXPECT_TRUE(all_but_held_are_stored());
    first->signal(kills ? SIGKILL : SIGSTOP);
    if (kills) first->wait();
    gate.open();
    const Finished finished = second->wait();
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    expect_each_once();
    if (kills) continue;
    first->signal(SIGCONT);
    const Finished paused = first->wait();
    EXPECT_EQ(0, paused.exit_code) << paused.err;
    expect_each_once();
  }
}

/// All of it is stored, and who leads hangs or dies before the load is ended: who helped ends it.
TEST_F(SharedFile, IsEndedByWhoeverIsLeft) {
  write(20'000);
  db().run("create table ends (id int)");
  const std::string end =
      folder_.write("end.sql", "insert into ends values (1); select pg_advisory_xact_lock(7003);");
  for (const bool kills : {true, false}) {
    SCOPED_TRACE(kills ? "killed" : "paused");
    db().run("truncate t, ends; drop schema if exists pgsluice cascade");
    db().run("select pg_advisory_lock(7003)");
    const auto first = start({"--after-sql", end});
    ASSERT_TRUE(comes_true("select count(*) > 0 from pgsluice.segments where holder = ''"));
    const auto second = start({"--after-sql", end});
    ASSERT_TRUE(
        comes_true("select count(*) = 1 from pg_locks where locktype = 'advisory' and objid = 7003 "
                   "and not granted"));
    first->signal(kills ? SIGKILL : SIGSTOP);
    if (kills) first->wait();
    db().run("select pg_advisory_unlock(7003)");
    const Finished finished = second->wait();
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    if (!kills) {
      first->signal(SIGCONT);
      const Finished paused = first->wait();
      EXPECT_EQ(0, paused.exit_code) << paused.err;
    }
    expect_each_once();
    EXPECT_EQ(1, db().number("select count(*) from ends"));
  }
}

/// What one that helps has when it dies, or hangs, the other one loads.
TEST_F(SharedFile, LosesNothingWithOneThatHelps) {
  write(40'000);
  for (const bool kills : {true, false}) {
    SCOPED_TRACE(kills ? "killed" : "paused");
    db().run("truncate t; drop schema if exists pgsluice cascade");
    Gate gate(url(), "t", "id < 100 or id > 20000");
    const auto first = start();
    ASSERT_TRUE(gate.is_reached());
    const auto second = start();
    ASSERT_TRUE(
        comes_true("select count(*) > 0 from pgsluice.segments where holder <> '' and "
                   "facts is not null and stored_at is null"));
    ASSERT_TRUE(gate.is_reached(2));
    second->signal(kills ? SIGKILL : SIGSTOP);
    if (kills) second->wait();
    gate.open();
    const Finished finished = first->wait();
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    expect_each_once();
    if (kills) continue;
    second->signal(SIGCONT);
    const Finished paused = second->wait();
    EXPECT_EQ(0, paused.exit_code) << paused.err;
    expect_each_once();
  }
}

TEST_F(SharedFile, IsGoneOnWithByOneCommandAlone) {
  write(40'000);
  Gate gate(url(), "t", "id > 20000");
  const auto first = start();
  ASSERT_TRUE(gate.is_reached());
  ASSERT_TRUE(comes_true("select count(*) > 2 from pgsluice.chunks"));
  first->signal(SIGKILL);
  first->wait();
  gate.open();
  const Finished alone = pgsluice({"load", path_, "-t", "t", "-d", url(), "--progress", "none"});
  EXPECT_EQ(0, alone.exit_code) << alone.err;
  EXPECT_THAT(alone.err, HasSubstr("resuming load 1"));
  expect_each_once();
}

/// Bad records have their true places, whoever finds them, and count together.
TEST_F(SharedFile, HasItsBadRecordsAtTheirPlaces) {
  write(30'000);
  std::string bad = csv_;
  std::vector<std::size_t> lines;
  for (const int id : {5, 7'000, 15'000, 29'999}) {
    const std::string row = "\n" + std::to_string(id) + ",\"";
    const std::size_t at = bad.find(row);
    ASSERT_NE(std::string::npos, at);
    bad.insert(at + 1, "x");
    lines.push_back(static_cast<std::size_t>(std::count(bad.begin(), bad.begin() + at + 1, '\n')) +
                    1);
  }
  path_ = folder_.write("bad.csv", bad);
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < 3; ++i) all.push_back(start({"--max-rejects", "4"}));
  for (const auto& one : all) {
    const Finished finished = one->wait();
    EXPECT_THAT(finished.exit_code, testing::AnyOf(0, 3)) << finished.err;
  }
  EXPECT_EQ(rows_ - 4, db().number("select count(*) from t"));
  std::string places;
  for (const std::size_t line : lines) places += (places.empty() ? "" : ",") + std::to_string(line);
  EXPECT_EQ(places, db().value("select string_agg(reason->>'line', ',' order by chunk, place) from "
                               "pgsluice.rejects where reason is not null"));
  // One less is too few, whoever finds which of them.
  db().run("truncate t; drop schema pgsluice cascade");
  all.clear();
  for (int i = 0; i < 2; ++i) all.push_back(start({"--max-rejects", "3"}));
  for (const auto& one : all) {
    const Finished finished = one->wait();
    EXPECT_EQ(5, finished.exit_code) << finished.err;
  }
  EXPECT_EQ(0, db().number("select count(*) from pgsluice.loads where state = 'finished'"));
}

TEST_F(SharedFile, FailsForAllWhereARecordIsBad) {
  write(30'000);
  path_ = folder_.write("bad.csv", csv_ + "x,row\n");
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < 2; ++i) all.push_back(start());
  for (const auto& one : all) {
    const Finished finished = one->wait();
    EXPECT_EQ(1, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("bad.csv:"));
  }
  EXPECT_EQ(0, db().number("select count(*) from pgsluice.loads where state = 'finished'"));
}

/// Some are killed, others paused for longer than the lease, at any moment; new ones come.
TEST_F(SharedFile, WhateverBecomesOfThemEachRowComesOnce) {
  std::mt19937 random(29);
  const auto below = [&random](unsigned n) { return static_cast<int>(random() % n); };
  const std::size_t rounds = 100 / every(25);
  for (std::size_t round = 0; round < rounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    db().run("truncate t; drop schema if exists pgsluice cascade");
    write(20'000 + below(40'000), static_cast<unsigned>(round));
    std::vector<std::unique_ptr<Process>> all;
    std::vector<std::unique_ptr<Process>> paused;
    segment_ = std::to_string(1 << below(11)) + "KiB";
    const int commands = 2 + below(5);
    for (int i = 0; i < commands; ++i) all.push_back(start());
    for (int event = 0; event < 3; ++event) {
      db().run("select pg_sleep(" + std::to_string(below(600)) + " / 1000.0)");
      const auto which = all.begin() + below(static_cast<unsigned>(all.size()));
      if (below(2) == 0) {
        (*which)->signal(SIGKILL);
        (*which)->wait();
      } else {
        (*which)->signal(SIGSTOP);
        paused.push_back(std::move(*which));
      }
      *which = start();
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
    expect_each_once();
  }
}

/// Rows that are stored and rows that are not have changed places since: length, beginning and end
/// are the same.
TEST_F(SharedFile, ThatHasChangedIsNotGoneOnWith) {
  write(40'000);
  stop_in_the_middle();
  const std::size_t early = csv_.find("\n8000,\"") + 1;
  const std::size_t late = csv_.find("\n30000,\"") + 1;
  csv_[early] = '9';
  csv_[late] = '9';
  folder_.write("big.csv", csv_);
  for (const bool joins : {true, false}) {
    std::vector<std::string> flags{"load", path_, "-t", "t", "-d", url(), "--progress", "none"};
    if (joins) flags.emplace_back("--join");
    const Finished refused = pgsluice(flags);
    EXPECT_EQ(7, refused.exit_code) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("has changed since load 1 stored a part of it"));
  }
}

TEST_F(SharedFile, ThatHasGrownIsGoneOnWith) {
  write(40'000);
  stop_in_the_middle();
  for (int id = rows_; id < 60'000; ++id) csv_ += std::to_string(id) + ",\"more\n\"\n";
  rows_ = 60'000;
  folder_.write("big.csv", csv_);
  const Finished finished = pgsluice(command());
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_each_once();
}

/// Its places are those of the file as it is.
TEST_F(SharedFile, IsNotGoneOnWithByAStream) {
  write(40'000);
  stop_in_the_middle();
  const Finished refused = pgsluice({"load", "-", "-t", "t", "-d", url(), "--progress", "none"},
                                    {.input = path_, .environment = {}});
  EXPECT_NE(0, refused.exit_code);
  const Finished finished = pgsluice(command());
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_each_once();
}

TEST_F(SharedFile, IntoATableThatIsMadeForIt) {
  write(40'000);
  db().run("drop table t");
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < 2; ++i) all.push_back(start({"--create=if-not-exists"}));
  for (const auto& one : all) {
    const Finished finished = one->wait();
    EXPECT_EQ(0, finished.exit_code) << finished.err;
  }
  expect_each_once();
}

TEST_F(SharedFile, WithAQuoteThatNeverClosesIsNoLoadOfOneReject) {
  std::string csv = "id,name\n";
  for (int id = 0; id < 40'000; ++id) csv += std::to_string(id) + (id == 900 ? ",\"x\n" : ",x\n");
  path_ = folder_.write("open.csv", csv);
  const Finished refused = pgsluice(command({"--max-rejects", "5"}));
  EXPECT_EQ(5, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("still open at the end"));
  EXPECT_EQ(0, db().number("select count(*) from pgsluice.loads where state = 'finished'"));
}

TEST_F(SharedFile, IsMovedByOneOfThem) {
  write(40'000);
  const std::string done = folder_ / "done";
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < 3; ++i) all.push_back(start({"--after", "move:" + done}));
  for (const auto& one : all) {
    const Finished finished = one->wait();
    EXPECT_EQ(0, finished.exit_code) << finished.err;
  }
  EXPECT_EQ(rows_, db().number("select count(distinct id) from t"));
}

/// Who leads is gone, and who helps is paused in the middle of a chunk, or at work on one: it does
/// not bring rows behind the back of who takes the load out.
TEST_F(SharedFile, IsTakenOutFromWhoeverHelped) {
  write(40'000);
  db().run("drop table t; create table t (id int, name text, load bigint)");
  const std::vector<std::string> add{"--add", "load=:load"};
  for (const bool pauses : {true, false}) {
    SCOPED_TRACE(pauses ? "paused" : "at work");
    db().run("truncate t; drop schema if exists pgsluice cascade");
    Gate gate(url(), "t", "id < 100 or id > 20000");
    const auto first = start(add);
    ASSERT_TRUE(gate.is_reached());
    const auto second = start(add);
    ASSERT_TRUE(gate.is_reached(2));
    first->signal(SIGKILL);
    first->wait();
    if (pauses) second->signal(SIGSTOP);
    const std::vector<std::string> undo{"loads", "undo", "1",        "--table", "t",
                                        "-d",    url(),  "--column", "load"};
    Process undoing(undo);
    ASSERT_TRUE(comes_true("select state = 'undoing' from pgsluice.loads"));
    gate.open();
    const Finished undone = undoing.wait();
    EXPECT_EQ(0, undone.exit_code) << undone.err;
    second->signal(SIGCONT);
    // It may load the file anew: nobody has said that it is not to be loaded.
    second->wait();
    EXPECT_EQ(0, db().number("select count(*) from t where load = 1"));
    EXPECT_EQ("void", db().value("select state from pgsluice.loads where load_id = 1"));
  }
}

/// A file that is one chunk has several segments, and who leads holds its lock between them.
TEST_F(SharedFile, OfOneChunkHasOneLeader) {
  write(3'000);
  segment_ = "1KiB";
  for (int round = 0; round < 3; ++round) {
    db().run("truncate t; drop schema if exists pgsluice cascade");
    std::vector<std::unique_ptr<Process>> all;
    for (int i = 0; i < 3; ++i) {
      std::vector<std::string> load = command();
      *std::ranges::find(load, "16KiB") = "256MiB";
      all.push_back(std::make_unique<Process>(load));
    }
    for (const auto& one : all) {
      const Finished finished = one->wait();
      EXPECT_EQ(0, finished.exit_code) << finished.err;
    }
    expect_each_once();
  }
}

/// The last statement of one that died is still under way: who comes then finds all of it stored.
TEST_F(SharedFile, IsFinishedByTheLastStatementOfOneThatDied) {
  write(20'000);
  Gate gate(url(), "t", "id = 19999");
  const auto first = start();
  ASSERT_TRUE(gate.is_reached());
  Session holder(url());
  holder.run("begin; select load_id from pgsluice.loads for no key update");
  gate.open();
  ASSERT_TRUE(
      comes_true("select exists (select from pg_stat_activity where wait_event_type = 'Lock' and "
                 "query like '%update pgsluice.loads%finished%' and datname = "
                 "current_database())"));
  first->signal(SIGKILL);
  first->wait();
  const auto second = start();
  EXPECT_TRUE(second->says("resuming load 1") || !second->running());
  holder.run("commit");
  const Finished finished = second->wait();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_each_once();
}

/// Nobody will scan what the ledger says is stored, or does not have: that is no reason to wait.
TEST_F(SharedFile, IsNotWaitedForWhereALedgerIsWrong) {
  write(60'000);
  for (const char* wrong : {"update pgsluice.segments set stored_at = now(), holder = '' where "
                            "facts is null and segment = 15",
                            "delete from pgsluice.segments where facts is null and segment = 15"}) {
    SCOPED_TRACE(wrong);
    db().run("truncate t; drop schema if exists pgsluice cascade");
    const auto first = start({"--max-rate", "400kB/s"});
    ASSERT_TRUE(comes_true("select count(*) > 0 from pgsluice.chunks"));
    db().run(wrong);
    const Finished finished = first->wait();
    EXPECT_EQ(1, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("segment 15 is"));
  }
}

TEST_F(SharedFile, TheGrantThatIsMissingIsNamed) {
  write(40'000);
  const std::string role = "sharer_" + db().value("select current_database()");
  const std::string other = url_of_new_role(role);
  Gate gate(url(), "t", "id > 20000");
  const auto first = start();
  ASSERT_TRUE(gate.is_reached());
  db().run("grant usage on schema pgsluice, public to " + role +
           "; grant select, insert, update on all tables in schema pgsluice to " + role +
           "; grant usage on all sequences in schema pgsluice to " + role +
           "; grant insert, select on t to " + role + "; revoke all on pgsluice.segments from " +
           role);
  std::vector<std::string> load = command();
  *std::ranges::find(load, url()) = other;
  const Finished refused = pgsluice(load);
  EXPECT_NE(0, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("grant"));
  EXPECT_THAT(refused.err, HasSubstr("pgsluice.segments to " + role));
  gate.open();
  EXPECT_EQ(0, first->wait().exit_code);
  db().run("drop owned by " + role + "; drop role " + role);
}

/// Each with a host name, a network and a folder of its own, where namespaces may be made and the
/// server has a socket here; else as processes alone. One dies with what it has in hand.
TEST_F(SharedFile, IsSharedByHostsOfTheirOwn) {
  write(60'000);
  const bool is_apart =
      Process({"--net", "--uts", "true"}, {.program = "/usr/bin/unshare"}).wait().exit_code == 0 &&
      std::filesystem::exists(socket());
  const auto on_host = [&](int number) {
    const std::string folder = folder_made("host" + std::to_string(number));
    std::filesystem::create_hard_link(path_, folder + "/big.csv");
    std::vector<std::string> load = command();
    load[1] = folder + "/big.csv";
    if (!is_apart) return std::make_unique<Process>(load);
    *std::ranges::find(load, url()) = url_by_socket();
    std::vector<std::string> apart{"--net",
                                   "--uts",
                                   "sh",
                                   "-c",
                                   "hostname loader-$0 && exec \"$@\"",
                                   std::to_string(number),
                                   PGSLUICE_BINARY};
    apart.insert(apart.end(), load.begin(), load.end());
    return std::make_unique<Process>(apart, Process::Options{.program = "/usr/bin/unshare"});
  };
  Gate gate(url(), "t", "id < 100 or id > 50000");
  std::vector<std::unique_ptr<Process>> hosts;
  for (int i = 0; i < 4; ++i) hosts.push_back(on_host(i));
  ASSERT_TRUE(gate.is_reached(2));
  if (is_apart) {
    EXPECT_THAT(pgsluice({"loads", "show", "1", "-d", url()}).out, HasSubstr("by loader-"));
  }
  hosts[0]->signal(SIGKILL);
  hosts[0]->wait();
  gate.open();
  for (std::size_t i = 1; i < hosts.size(); ++i) {
    const Finished finished = hosts[i]->wait();
    EXPECT_EQ(0, finished.exit_code) << finished.err;
  }
  expect_each_once();
}

TEST_F(SharedFile, IsOneCommandsWhereNoSegmentsCanBeMade) {
  write(20'000);
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{"--comment", "#"}, std::vector<std::string>{"--atomic"}}) {
    db().run("truncate t; drop schema if exists pgsluice cascade");
    const auto other = start(flags);
    const Finished finished = pgsluice(command(flags));
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    EXPECT_EQ(0, other->wait().exit_code);
    EXPECT_EQ(rows_, db().number("select count(*) from t"));
    EXPECT_EQ(0, db().number("select count(*) from pgsluice.segments"));
  }
  segment_ = "10";
  EXPECT_EQ(2, pgsluice(command()).exit_code);
}

}  // namespace
}  // namespace sluice::test
