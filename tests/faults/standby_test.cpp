// A server that recovers, or whose sessions are read only: nothing can be written there.

#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <filesystem>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/patience.hpp"
#include "support/process.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class Standby : public ::testing::Test {
 protected:
  Standby() {
    Session session(server_.url());
    session.run("create table t (id int, v text)");
    session.run("create table other (id int, v text)");
    folder_.write("data.csv", "id,v\n1,a\n2,b\n");
    folder_.write("other.csv", "id,v\n3,a\n4,b\n");
    std::filesystem::create_directory(folder_ / "mig");
    folder_.write("mig/001_a.sql", "create table a (id int)");
    folder_.write("job.sql", "insert into other values (5, 'job')");
    folder_.write("jobs.toml", "[[job]]\nname = \"j\"\ncron = \"@every 1s\"\nsql = \"job.sql\"\n");
    EXPECT_EQ(0, run({"load", folder_ / "data.csv", "-t", "t"}).exit_code);
    EXPECT_EQ(0, run({"migrate", "up", "--dir", folder_ / "mig"}).exit_code);
    EXPECT_EQ(0, run(once("0s")).exit_code);
    folder_.write("mig/002_b.sql", "create table b (id int)");
  }

  std::vector<std::string> once(const std::string& wait) const {
    return {"schedule", "run", "--once", "--wait", wait, "--config", folder_ / "jobs.toml"};
  }
  std::vector<std::string> with(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"-d", server_.url()});
    return arguments;
  }
  Finished run(std::vector<std::string> arguments) const {
    return pgsluice(with(std::move(arguments)));
  }

  /// As if it followed another one.
  void recover() {
    server_.stop("fast");
    const std::string signal = server_.folder() + "/pgdata/standby.signal";
    output_of("touch " + signal + " && chown --reference=" + server_.folder() + "/pgdata " +
              signal);
    server_.start();
  }
  void promote() { Session(server_.url()).run("select pg_promote()"); }

  PrivateServer server_{"max_connections=30"};
  TemporaryFolder folder_;
};

TEST_F(Standby, IsSaidByWhateverWrites) {
  recover();
  struct Case {
    std::vector<std::string> arguments;
    int exit_code;
  };
  const std::string data = folder_ / "data.csv";
  const std::string dir = folder_ / "mig";
  const std::vector<Case> cases{
      {{"load", data, "-t", "t", "--wait", "0"}, 1},
      {{"load", data, "-t", "t", "--wait", "0", "--again"}, 1},
      {{"load", data, "-t", "other", "--wait", "0", "--atomic"}, 1},
      {{"load", data, "-t", "t", "--wait", "0", "--no-ledger", "--max-rejects", "9"}, 1},
      {{"load", data, "-t", "t", "--wait", "0", "--dry-run"}, 1},
      {{"load", data, data, "-t", "t", "--wait", "0"}, 1},
      {{"load", data, "-t", "t", "--wait", "100ms"}, 4},
      {{"check", data, "-t", "t"}, 1},
      {{"loads", "forget", "1"}, 1},
      {{"loads", "prune", "--older", "1s"}, 1},
      {{"migrate", "up", "--dir", dir, "--wait", "0"}, 1},
      {once("100ms"), 4},
      {{"schedule", "run", "--wait", "100ms", "--config", folder_ / "jobs.toml"}, 4},
  };
  for (const Case& one : cases) {
    const std::string shown =
        one.arguments[0] + " " + one.arguments[1] + " " + one.arguments.back();
    const auto began = std::chrono::steady_clock::now();
    const Finished finished = run(one.arguments);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 25s) << shown;
    EXPECT_EQ(one.exit_code, finished.exit_code) << shown << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("standby")) << shown;
    EXPECT_THAT(finished.err, HasSubstr("target_session_attrs=read-write")) << shown;
  }
}

TEST_F(Standby, IsReadAllTheSame) {
  recover();
  EXPECT_THAT(run({"loads"}).out, HasSubstr("data.csv"));
  EXPECT_EQ(0, run({"loads", "show", "1"}).exit_code);
  EXPECT_EQ(10, run({"migrate", "status", "--dir", folder_ / "mig"}).exit_code);
  EXPECT_EQ(0, run({"migrate", "plan", "--dir", folder_ / "mig"}).exit_code);
  EXPECT_EQ(0, run({"schedule", "history", "--config", folder_ / "jobs.toml"}).exit_code);
}

TEST_F(Standby, ThatIsPromotedIsWaitedFor) {
  recover();
  Process load(with({"load", folder_ / "other.csv", "-t", "other", "--wait", "5min"}));
  Process schedule(with({"schedule", "run", "--wait", "5min", "--config", folder_ / "jobs.toml"}));
  for (Process* each : {&load, &schedule}) each->says("--wait");
  promote();
  const Finished loaded = load.wait();
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  Session session(server_.url());
  EXPECT_TRUE(comes_true(session, "select count(*) > 0 from other where id = 5"));
  EXPECT_EQ("2", session.value("select count(*) from other where id < 5"));
  schedule.signal(SIGTERM);
  EXPECT_THAT(schedule.wait().exit_code, AnyOf(0, 143));
}

/// The server went away and came back as a standby: a scheduler goes on when it is the primary.
TEST_F(Standby, AmidASchedule) {
  Process schedule(with({"schedule", "run", "--config", folder_ / "jobs.toml"}));
  const auto ticks = [this] {
    return std::stoi(Session(server_.url()).value("select count(*) from other where id = 5"));
  };
  ASSERT_TRUE(is_seen([&] { return ticks() > 0; }));
  recover();
  ASSERT_TRUE(schedule.says("standby"));
  const int before = ticks();
  promote();
  EXPECT_TRUE(is_seen([&] { return ticks() > before; }));
  schedule.signal(SIGTERM);
  EXPECT_THAT(schedule.wait().exit_code, AnyOf(0, 143));
}

/// Each record would be refused alone, and none of them is bad.
TEST_F(Standby, ReadOnlySessionsRefuseNoRecord) {
  Session(server_.url()).run("alter database postgres set default_transaction_read_only = on");
  for (const char* writer : {"copy", "insert"}) {
    const Finished finished = run({"load", folder_ / "other.csv", "-t", "other", "--no-ledger",
                                   "--max-rejects", "9", "--writer", writer});
    EXPECT_EQ(1, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("default_transaction_read_only"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "other.rejects.csv"));
  }
}

}  // namespace
}  // namespace sluice::test
