#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/killing.hpp"
#include "support/pooler.hpp"
#include "support/process.hpp"
#include "support/server.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// The program itself is killed, its files are taken away or changed, nobody listens to it.
class ToolFaults : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table t (id int, v text)");
    csv_ = "id,v\n";
    for (int i = 1; i <= rows_; ++i) csv_ += line(i);
    path_ = folder_.write("in.csv", csv_);
  }

  static bool is_bad(int i) { return i % 101 == 0; }
  static std::string line(int i) {
    return (is_bad(i) ? "x" : "") + std::to_string(i) + ",\"value\n" + std::to_string(i * 7) +
           "\"\n";
  }

  std::vector<std::string> command() const {
    return {"load",       path_,  "--table",       "t",    "-d", url(), "--chunk-size", "20K",
            "--progress", "none", "--max-rejects", "10000"};
  }

  Gate half_way() const { return {url(), "t", "id >= " + std::to_string(rows_ / 2)}; }
  void slow_down(const std::string& seconds) {
    db().run(
        "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(" +
        seconds +
        "); return new; end $$;"
        "create trigger slow before insert on t for each row execute function slow()");
  }

  void expect_all_is_well() {
    const int bad = rows_ / 101;
    EXPECT_EQ(
        std::to_string(rows_ - bad) + " " + std::to_string(rows_ - bad),
        db().value(
            "select count(*) || ' ' || count(distinct id) from t where v = E'value\\n' || id * 7"));
    EXPECT_EQ(rows_ - bad, db().number("select count(*) from t"));
    EXPECT_EQ("", ledger_disagreement("t"));
    std::string expected = "id,v\n";
    for (int i = 101; i <= rows_; i += 101) expected += line(i);
    EXPECT_EQ(expected, read_file(folder_ / "in.rejects.csv"));
    std::ifstream reasons(folder_ / "in.rejects.jsonl");
    int count = 0;
    for (std::string text; std::getline(reasons, text); ++count) {
      const auto reject = nlohmann::json::parse(text);
      EXPECT_EQ((count + 1) * 101, reject["record"].get<int>());
      EXPECT_EQ(csv_.substr(reject["byte_offset"].get<std::size_t>(),
                            reject["byte_count"].get<std::size_t>()) +
                    "\n",
                line((count + 1) * 101));
    }
    EXPECT_EQ(bad, count);
    EXPECT_TRUE(no_session_left());
  }

  static constexpr int rows_ = 20000;
  TemporaryFolder folder_;
  std::string path_;
  std::string csv_;
};

/// A hundred times killed, the load ends with each row once and each reject once.
TEST_F(ToolFaults, KilledAHundredTimes) {
  Killer killer(11, time_of(command(), 3) * 2 / 3);
  int finished = 0;
  for (int round = 0;
       killer.goes_on(static_cast<int>(100 / every(3)), static_cast<int>(31 / every(3))); ++round) {
    if (round == 0 ||
        db().value("select state from pgsluice.loads order by load_id desc limit 1") ==
            "finished") {
      if (round > 0) expect_all_is_well();
      db().run("truncate t; truncate pgsluice.loads cascade");
      ::unlink((folder_ / "in.rejects.csv").c_str());
      ::unlink((folder_ / "in.rejects.jsonl").c_str());
      ++finished;
    }
    killer.kills(command());
    ASSERT_TRUE(no_session_left());
  }
  const Finished last = pgsluice(command());
  EXPECT_THAT(last.exit_code, ::testing::AnyOf(0, 3)) << last.err;
  EXPECT_GT(killer.killed(), 30 / static_cast<int>(every(3)));
  std::printf("killed %d times in %d loads\n", killer.killed(), finished);
  expect_all_is_well();
}

TEST_F(ToolFaults, InterruptedWithRejectsAndResumed) {
  Gate gate = half_way();
  Process process(command());
  wait_for_chunks(3);
  ASSERT_TRUE(gate.is_reached());
  process.signal(SIGINT);
  gate.open();  // what is under way is ended well
  const Finished stopped = process.wait();
  EXPECT_EQ(130, stopped.exit_code) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("rejects are in"));
  EXPECT_EQ("", ledger_disagreement("t"));
  const Finished resumed = pgsluice(command());
  EXPECT_EQ(3, resumed.exit_code) << resumed.err;
  expect_all_is_well();
}

/// The shell of a command, with what it makes of the program's streams.
Finished shell(const std::string& script, const std::vector<std::string>& arguments) {
  std::vector<std::string> all{"-c", script, PGSLUICE_BINARY};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return Process(all, {.program = "/bin/bash"}).wait();
}

TEST_F(ToolFaults, ClosedStreamsDoNotEndALoad) {
  for (const char* script :
       {"\"$0\" \"$@\" >&-", "\"$0\" \"$@\" 2>&-", "\"$0\" \"$@\" <&- >&- 2>&-",
        "set -o pipefail; \"$0\" \"$@\" | true", "\"$0\" \"$@\" 2> >(exit 0)"}) {
    SCOPED_TRACE(script);
    std::vector<std::string> arguments = command();
    std::ranges::replace(arguments, "none", "plain");
    arguments.insert(arguments.end(), {"--again", "--truncate", "-v"});
    const Finished finished = shell(script, arguments);
    EXPECT_EQ(3, finished.exit_code) << finished.err;
    expect_all_is_well();
    ::unlink((folder_ / "in.rejects.csv").c_str());
    ::unlink((folder_ / "in.rejects.jsonl").c_str());
  }
}

/// Here it is a limit on the size of files that is reached, which is met like a full disk.
TEST_F(ToolFaults, FullDiskForTheRejectsStopsTheLoad) {
  const Finished finished = shell("ulimit -f 4; exec \"$0\" \"$@\"", command());
  EXPECT_EQ(1, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("cannot write"));
  EXPECT_THAT(finished.err, HasSubstr("in.rejects.jsonl"));
  EXPECT_EQ("", ledger_disagreement("t"));
  const auto rejected = db().number("select coalesce(sum(rows_rejected), 0) from pgsluice.chunks");
  EXPECT_LT(rejected, rows_ / 101);
  const Finished resumed = pgsluice(command());
  EXPECT_EQ(3, resumed.exit_code) << resumed.err;
  expect_all_is_well();
}

class ChangingSource : public ToolFaults {
 protected:
  /// Of which so few chunks are under way that the source is not at its end before the gate opens.
  std::vector<std::string> command() const {
    std::vector<std::string> arguments = ToolFaults::command();
    arguments.insert(arguments.end(), {"--jobs", "2"});
    return arguments;
  }
  /// Loads while `change` is made to the file.
  Finished load_while(const std::function<void()>& change) {
    Gate gate = half_way();
    Process process(command());
    wait_for_chunks(2);
    change();
    gate.open();
    Finished finished = process.wait();
    EXPECT_EQ(7, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("changed while it was read"));
    EXPECT_THAT(finished.err, HasSubstr("stored "));
    EXPECT_EQ("", ledger_disagreement("t"));
    EXPECT_EQ("unfinished", db().value("select state from pgsluice.loads"));
    return finished;
  }
};

TEST_F(ChangingSource, GrownIsNoticed) {
  load_while([this] { std::ofstream(path_, std::ios::app) << line(rows_ + 1); });
  EXPECT_EQ(7, pgsluice(command()).exit_code);  // and it is another file now
}

TEST_F(ChangingSource, TruncatedIsNoticed) {
  load_while([this] {
    ASSERT_EQ(0, ::truncate(path_.c_str(), static_cast<off_t>(csv_.size() - 50'000)));
  });
}

TEST_F(ChangingSource, ReplacedIsNoticed) {
  load_while([this] {
    const std::string other = folder_.write("other.csv", "id,v\n1,x\n");
    ASSERT_EQ(0, ::rename(other.c_str(), path_.c_str()));
  });
}

/// Whoever may read it, and what it is called, is not its content.
TEST_F(ChangingSource, ATouchedFileIsComparedAndLoaded) {
  Gate gate = half_way();
  Process process(command());
  wait_for_chunks(2);
  ASSERT_EQ(0, ::chmod(path_.c_str(), 0640));
  ASSERT_EQ(0, ::rename(path_.c_str(), (folder_ / "processing.csv").c_str()));
  gate.open();
  const Finished finished = process.wait();
  EXPECT_EQ(3, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err + finished.out, HasSubstr("another name or mode while it was read"));
  expect_all_is_well();
}

TEST_F(ChangingSource, ChangedInPlaceWithItsTimeSetBackIsNoticed) {
  Gate gate = half_way();
  Process process(command());
  wait_for_chunks(2);
  struct stat before{};
  ASSERT_EQ(0, ::stat(path_.c_str(), &before));
  {
    std::fstream file(path_, std::ios::in | std::ios::out);
    file.seekp(20);
    file << "?";
  }
  const struct timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(0, ::utimensat(AT_FDCWD, path_.c_str(), times, 0));
  gate.open();
  const Finished finished = process.wait();
  EXPECT_EQ(7, finished.exit_code) << finished.err;
  EXPECT_EQ("unfinished", db().value("select state from pgsluice.loads"));
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// PgBouncer in transaction mode, in front of the tests' server.
class PooledLoads : public ToolFaults {
 protected:
  void SetUp() override {
    ToolFaults::SetUp();
    pooler_ = std::make_unique<Pooler>(url(), "transaction");
  }

  std::vector<std::string> pooled_command(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = command();
    arguments[5] = pooler_->url();
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  std::unique_ptr<Pooler> pooler_;
};

TEST_F(PooledLoads, LoadsWork) {
  const Finished finished = pgsluice(pooled_command({"--jobs", "4"}));
  EXPECT_EQ(3, finished.exit_code) << finished.err;
  const Finished again = pgsluice(pooled_command());
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_THAT(again.out, HasSubstr("nothing to do"));
  pooler_.reset();
  expect_all_is_well();
}

TEST_F(PooledLoads, KilledLoadsAreResumed) {
  slow_down("0.0001");
  Gate gate = half_way();
  for (int round = 0; round < 3; ++round) {
    Process process(pooled_command());
    wait_for_chunks(2 + 2 * round);
    process.signal(SIGKILL);
    process.wait();
    // The pooler may need a moment to notice its end; the next one does not wait for it for ever.
    ASSERT_TRUE(
        comes_true("select not exists (select from pg_locks where locktype = 'advisory' and "
                   "granted and classid <> 7001 and database = (select oid from pg_database where "
                   "datname = current_database()))"));
  }
  gate.open();
  db().run("drop trigger slow on t");
  Finished finished;
  for (int i = 0; i < 50; ++i) {  // the pooler may need a moment to notice the last one's end
    finished = pgsluice(pooled_command());
    if (finished.exit_code != 6) break;
  }
  EXPECT_EQ(3, finished.exit_code) << finished.err;
  pooler_.reset();
  expect_all_is_well();
}

TEST_F(PooledLoads, SecondRunIsToldOfTheFirst) {
  Gate gate = half_way();
  Process process(pooled_command());
  wait_for_chunks(1);
  const Finished second = pgsluice(pooled_command());
  EXPECT_EQ(6, second.exit_code) << second.err;
  EXPECT_THAT(second.err, HasSubstr("another run holds this load"));
  process.signal(SIGINT);
  gate.open();
  EXPECT_EQ(130, process.wait().exit_code);
}

}  // namespace
}  // namespace sluice::test
