#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// A job's timeout is what it says, whatever the job waits for.
class ScheduleTimeouts : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table t (id int primary key, v int); create index by_v on t (v)");
    folder_.write("in.csv", "id,v\n1,1\n");
    // The ledger is there, and the table is not empty.
    ASSERT_EQ(0,
              pgsluice({"load", folder_.write("first.csv", "id,v\n0,0\n"), "-t", "t", "-d", url()})
                  .exit_code);
  }

  void add(const std::string& name, const std::string& what) {
    jobs_ +=
        "[[job]]\nname = \"" + name + "\"\ncron = \"@every 10m\"\ntimeout = \"1s\"\n" + what + "\n";
    names_.push_back(name);
  }
  Finished once() {
    const std::string config = folder_.write("pgsluice.toml", jobs_);
    return pgsluice({"schedule", "run", "--once", "--config", config, "-d", url()});
  }
  /// The jobs are known, and a slot of each is due.
  void make_due() {
    ASSERT_EQ(0, once().exit_code);
    db().run(
        "update pgsluice.jobs set since = now() - interval '11 minutes'; delete from "
        "pgsluice.job_runs");
  }
  /// Of its last slot: one before it may have been missed.
  std::string told(const std::string& name, const std::string& what) {
    return db().value("select " + what + " from pgsluice.job_runs where job = '" + name +
                      "' order by slot desc limit 1");
  }

  TemporaryFolder folder_;
  std::string jobs_;
  std::vector<std::string> names_;
};

TEST_F(ScheduleTimeouts, HoldWhereATableIsLocked) {
  const auto load = [this](const std::string& name, const std::string& flags) {
    // The load of another file waits for this table, and not for that load.
    folder_.write(name + ".csv", "id,v\n" + std::to_string(names_.size() + 1) + ",1\n");
    add(name,
        "load = \"" + name + ".csv\"\ntable = \"t\"\nsettle = \"0s\"\nflags = [" + flags + "]");
  };
  load("plain", "");
  load("patient", R"("--lock-timeout", "0")");
  load("truncating", R"("--truncate")");
  load("deferring", R"("--defer-indexes")");
  load("atomic", R"("--atomic")");
  load("upserting", R"("--on-conflict", "update")");
  load("inserting", R"("--writer", "insert")");
  load("unledgered", R"("--no-ledger")");
  std::filesystem::create_directory(folder_ / "m");
  folder_.write("m/001_x.sql", "-- pgsluice: lock-timeout 0\nalter table t add x int");
  add("migrating", "migrate = \"m\"");
  folder_.write("wait.sql", "-- pgsluice: lock-timeout 0\nupdate t set v = 2");
  add("statement", "sql = \"wait.sql\"");
  folder_.write("wait_none.sql",
                "-- pgsluice: no-transaction\n-- pgsluice: lock-timeout 0\nupdate t set v = 2");
  add("alone", "sql = \"wait_none.sql\"");
  make_due();

  Session holder(url());
  holder.run("begin; lock table t");
  const Finished finished = once();
  EXPECT_EQ(1, finished.exit_code) << finished.out << finished.err;
  EXPECT_TRUE(no_session_left()) << "what the server did for them is cancelled";
  for (const std::string& name : names_) {
    SCOPED_TRACE(name + ": " + told(name, "message"));
    EXPECT_EQ("timed_out", told(name, "state"));
    EXPECT_EQ("1", told(name, "attempts"));
    EXPECT_EQ("143", told(name, "exit_code"));
    EXPECT_THAT(told(name, "message"), HasSubstr("took longer than 1.0"));
    // Its second signal comes at once, not behind the grace period of 30 s.
    EXPECT_EQ("t",
              told(name, "finished_at - claimed_at between interval '1 s' and interval '28 s'"));
    EXPECT_THAT(finished.out + finished.err, HasSubstr(name));
  }
  holder.run("rollback");
  EXPECT_EQ("1", db().value("select count(*) from t")) << "nothing of them is stored";
  const Finished history = pgsluice({"schedule", "history", "plain", "-d", url()});
  EXPECT_THAT(history.out, HasSubstr("timed_out    plain  "));
}

TEST_F(ScheduleTimeouts, AreOfEachAttempt) {
  add("again",
      "load = \"in.csv\"\ntable = \"t\"\nsettle = \"0s\"\nretries = 2\nretry_delay = \"50ms\"");
  make_due();
  Session holder(url());
  holder.run("begin; lock table t");
  EXPECT_EQ(1, once().exit_code);
  EXPECT_EQ("timed_out 3", told("again", "state || ' ' || attempts"));
  holder.run("rollback");
  jobs_.replace(jobs_.find("\"1s\""), 4, "\"5m\"");
  make_due();
  EXPECT_EQ(0, once().exit_code);
  EXPECT_EQ("2", db().value("select count(*) from t")) << "the same job goes on when it can";
}

/// Its process is stopped, and so hears no SIGTERM: it is killed, at its timeout and at the
/// scheduler's end, and so is what the server does for it.
TEST_F(ScheduleTimeouts, AProcessThatHearsNoSignalIsKilled) {
  const std::string script = folder_.write("deaf.sql", "select pg_sleep(1000)");
  for (const bool has_timeout : {true, false}) {
    SCOPED_TRACE(has_timeout);
    db().run("drop schema pgsluice cascade");
    const std::string config = folder_.write(
        "deaf.toml",
        "[scheduler]\ngrace = \"2s\"\n[[job]]\nname = \"deaf\"\ncron = \"@every 1s\"\n"
        "sql = \"deaf.sql\"\n" +
            std::string(has_timeout ? "timeout = \"10s\"\n" : ""));
    Process scheduler({"schedule", "run", "--config", config, "-d", url()});
    const std::string asleep =
        "from pg_stat_activity where query like '%pg_sleep(1000)%' and pid <> pg_backend_pid() and "
        "datname = current_database()";
    ASSERT_TRUE(comes_true("select exists (select " + asleep + ")"));
    const std::string its_process = "pgrep -of -- '" + script + "$'";
    output_of("kill -STOP $(" + its_process + ")");
    if (!has_timeout) scheduler.signal(SIGTERM);
    EXPECT_TRUE(comes_true("select exists (select from pgsluice.job_runs where state = '" +
                           std::string(has_timeout ? "timed_out" : "interrupted") + "')"));
    scheduler.signal(SIGTERM);
    const Finished finished = scheduler.wait();
    // A later run of it may be under way or not.
    EXPECT_THAT(finished.exit_code, ::testing::AnyOf(has_timeout ? 0 : 143, 143)) << finished.err;
    EXPECT_TRUE(comes_true("select not exists (select " + asleep + ")"));
    EXPECT_EQ("gone", output_of(its_process + " || echo gone"));
  }
}

}  // namespace
}  // namespace sluice::test
