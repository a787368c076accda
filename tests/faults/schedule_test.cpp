#include <gmock/gmock.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/pooler.hpp"
#include "support/process.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Schedules : public DatabaseTest {
 protected:
  Schedules() = default;
  explicit Schedules(const std::string& server_url) : DatabaseTest(server_url) {}

  void SetUp() override { configure("", {}); }

  /// Jobs that run an SQL file each.
  void configure(const std::string& settings, const std::vector<std::string>& jobs) {
    std::string text = "dbname = \"" + url() + "\"\n[scheduler]\nlost_after = \"30s\"\n" + settings;
    for (const std::string& job : jobs) text += "\n" + job;
    folder_.write("pgsluice.toml", text);
  }
  std::string job(const std::string& name, const std::string& cron, const std::string& sql,
                  const std::string& more = "") const {
    folder_.write("R__" + name + ".sql", sql);
    return "[[job]]\nname = \"" + name + "\"\ncron = \"" + cron + "\"\nsql = \"R__" + name +
           ".sql\"\n" + more + "\n";
  }
  std::vector<std::string> command(std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"schedule", "run", "--config", folder_ / "pgsluice.toml"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Finished once() const { return pgsluice(command({"--once"})); }

  bool has_run(const std::string& name, const std::string& state, int count = 1) {
    return comes_true("select count(*) >= " + std::to_string(count) +
                      " from pgsluice.job_runs where job = '" + name + "' and state = '" + state +
                      "'");
  }
  std::int64_t runs(const std::string& where) {
    return db().number("select count(*) from pgsluice.job_runs where " + where);
  }
  static Finished stop(Process& process) {
    process.signal(SIGTERM);
    return process.wait();
  }
  /// Stops schedulers that begin slots all the time. A slot that one of them has just asked for is
  /// its own and is not begun any more: it is interrupted, and so is that scheduler (143).
  std::vector<Finished> stop_at_work(std::initializer_list<Process*> processes) {
    std::vector<Finished> all;
    std::int64_t interrupted = 0;
    for (Process* process : processes) {
      const Finished& stopped = all.emplace_back(stop(*process));
      EXPECT_THAT(stopped.exit_code, AnyOf(0, 143)) << last_of(stopped.err);
      if (stopped.exit_code == 143) ++interrupted;
    }
    EXPECT_EQ(interrupted > 0, runs("state = 'interrupted'") > 0);
    EXPECT_EQ(0, runs("state = 'interrupted' and attempts > 0"));
    return all;
  }
  static std::string last_of(const std::string& text) {
    return text.substr(text.size() - std::min<std::size_t>(text.size(), 2000));
  }
  /// A statement that fails if another one of its kind runs at the same time.
  static std::string alone(const std::string& sql) {
    return "do $$ begin if not pg_try_advisory_xact_lock(77) then raise 'two at a time'; end if; "
           "end $$;\n" +
           sql;
  }
  /// Alone, in line for the table `busy`.
  static std::string waits() { return "-- pgsluice: lock-timeout 0\n" + alone("lock table busy"); }
  /// What the scheduler of this configuration itself, without its jobs, has had of the memory.
  long kib_max_of_scheduler() const {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string arguments = read_file((entry.path() / "cmdline").string());
      const bool is_it = arguments.contains("schedule") && arguments.contains(folder_.path());
      const std::string status = is_it ? read_file((entry.path() / "status").string()) : "";
      const std::size_t at = status.find("VmHWM:");
      if (at != std::string::npos) return std::stol(status.substr(at + 6));
    }
    return 0;
  }
  /// As if no scheduler had been there for so long.
  void be_away(const std::string& name, const std::string& interval) {
    db().run("update pgsluice.jobs set since = now() - interval '" + interval + "' where job = '" +
             name + "'; delete from pgsluice.job_runs where job = '" + name + "'");
  }
  /// One slot of it is due, and no other one for half a day and more.
  void make_one_due(const std::string& name, const std::string& sql,
                    const std::string& settings = "") {
    configure(settings, {job(name, "@every 24h", sql)});
    ASSERT_EQ(0, once().exit_code);
    be_away(name, "24 hours");
  }
  /// Files appear as a whole: the scheduler may look at any time.
  void deliver(const std::string& name, const std::string& bytes) const {
    std::filesystem::rename(folder_.write("delivered", bytes), folder_ / name);
  }

  TemporaryFolder folder_;
};

TEST_F(Schedules, TwoRunnersRunEachSlotOnce) {
  db().run("create table ticks (job int)");
  std::vector<std::string> jobs;
  for (int i = 0; i < 10; ++i) {
    jobs.push_back(job("j" + std::to_string(i), "@every 1s",
                       "insert into ticks values (" + std::to_string(i) + ")",
                       "catchup = \"all\""));
  }
  configure("", jobs);
  Process first(command());
  Process second(command());
  // Each job is a process, and a busy machine may run a few of them in a second.
  ASSERT_TRUE(
      comes_true("select count(*) >= 60 and count(distinct runner) = 2 from pgsluice.job_runs "
                 "where state = 'ran'"));
  stop_at_work({&first, &second});
  EXPECT_EQ(0, runs("state not in ('ran', 'interrupted')"));
  EXPECT_EQ(db().number("select count(*) from ticks"), runs("state = 'ran'"));
  EXPECT_EQ(0, db().number("select count(*) from (select job from pgsluice.job_runs group by job "
                           "having extract(epoch from max(slot) - min(slot)) + 1 <> count(*)) g"))
      << "no slot is left out";
}

/// Many jobs of one minute, and a role that may have few connections.
TEST_F(Schedules, SoManyRunAtOnceAndTheRestInLine) {
  const std::string role = url_of_new_role("few_connections");
  db().run(
      "alter role few_connections connection limit 12; create table ticks (job int, began "
      "timestamptz default now(), ended timestamptz default clock_timestamp()); grant insert on "
      "ticks to few_connections; alter table ticks owner to few_connections; create schema "
      "pgsluice authorization few_connections");
  std::vector<std::string> jobs;
  constexpr int count = 24;
  for (int i = 0; i < count; ++i) {
    jobs.push_back(
        job("j" + std::to_string(i), "@every 1h",
            "-- pgsluice: lock-timeout 0\nselect pg_sleep(0.3); insert into ticks values (" +
                std::to_string(i) + ")",
            "timeout = \"5m\""));
  }
  configure("at_once = 3\n", jobs);
  const std::vector<std::string> once = command({"--once", "-d", role});
  EXPECT_EQ(0, pgsluice(once).exit_code);
  db().run("update pgsluice.jobs set since = now() - interval '61 minutes'");
  const Finished ran = pgsluice(once);
  EXPECT_EQ(0, ran.exit_code) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("waits: 3 others run (at_once)"));
  EXPECT_EQ(count, runs("state = 'ran' and attempts = 1"));
  EXPECT_EQ(count, db().number("select count(distinct job) from ticks"));
  EXPECT_LE(db().number("select max((select count(*) from ticks o where o.began <= t.began and "
                        "o.ended > t.began)) from ticks t"),
            3);
  // What waits in line has not begun, and does not.
  db().run(
      "update pgsluice.jobs set since = now() - interval '3 hours'; delete from "
      "pgsluice.job_runs");
  Session holder(url());
  holder.run("begin; lock table ticks");
  Process stopped(command({"-d", role}));
  ASSERT_TRUE(comes_true("select count(*) = " + std::to_string(count) +
                         " from pgsluice.job_runs where state <> 'missed'"));
  stopped.signal(SIGTERM);
  EXPECT_TRUE(stopped.says("stopping"));
  holder.run("rollback");
  EXPECT_EQ(143, stopped.wait().exit_code);
  EXPECT_LE(1, runs("state = 'interrupted' and attempts = 0"));
  EXPECT_EQ(0, runs("state not in ('missed', 'ran', 'interrupted')"));
  db().run(
      "drop schema pgsluice cascade; drop table ticks; drop owned by few_connections; drop "
      "role few_connections");
}

/// The same bad data end the same: no retry makes them good.
TEST_F(Schedules, BadDataAreNotRetried) {
  db().run("create table t (id int)");
  folder_.write("bad.csv", "id\n1\nx\n");
  configure("",
            {"[[job]]\nname = \"bad\"\ncron = \"@every 1s\"\nload = \"bad.csv\"\ntable = \"t\"\n"
             "settle = \"0s\"\nretries = 5\nretry_delay = \"1ms\"\n"});
  Process process(command());
  ASSERT_TRUE(has_run("bad", "failed"));
  stop(process);
  EXPECT_EQ(0, runs("attempts > 1"));
  EXPECT_EQ(0, runs("state = 'failed' and exit_code <> 5"));
  EXPECT_EQ(0, runs("state = 'failed' and message not like '%bad.csv:3%'"));
}

/// A line without end, longer than what is kept of it, whose characters have several bytes, and
/// what would write over a terminal or end a text.
TEST_F(Schedules, WhateverAJobSaysIsKeptAndHeldInLittleMemory) {
  configure("", {job("loud", "@every 1s",
                     "do $$ begin raise notice '%', repeat('\u0436', 20000000); raise notice '%', "
                     "E'\\x1b[2J\\x07'; raise exception '%', repeat('\u2192', 9000); end $$")});
  Process process(command());
  ASSERT_TRUE(has_run("loud", "failed"));
  const long scheduler_kib = kib_max_of_scheduler();
  const Finished stopped = stop_at_work({&process}).front();
  EXPECT_GT(scheduler_kib, 0);
  EXPECT_LT(scheduler_kib, 64 * 1024);
  EXPECT_EQ(0, runs("octet_length(message) > 5000"));
  EXPECT_THAT(stopped.err, Not(HasSubstr("\x1b")));
}

TEST_F(Schedules, TwoRunnersCatchUpWithEachSlotOnce) {
  db().run("create table ticks (at timestamptz default clock_timestamp())");
  configure("", {job("tick", "@every 1s", alone("insert into ticks default values"),
                     "catchup = \"all\"")});
  ASSERT_EQ(0, once().exit_code);
  be_away("tick", "40 seconds");
  db().run("truncate ticks");  // a slot may have been due at once
  Process first(command());
  Process second(command());
  ASSERT_TRUE(comes_true("select count(*) >= 50 from pgsluice.job_runs where state = 'ran'"));
  stop_at_work({&first, &second});
  EXPECT_EQ(0, runs("state not in ('ran', 'interrupted')")) << "never two at a time";
  EXPECT_EQ(db().number("select count(*) from ticks"), runs("state = 'ran'"));
  EXPECT_EQ(runs("true"), db().number("select 1 + extract(epoch from max(slot) - min(slot))::int "
                                      "from pgsluice.job_runs"))
      << "no slot is left out";
}

TEST_F(Schedules, KilledRunnersRunIsLostAndTheNextSlotRuns) {
  db().run("create table ticks (at timestamptz default clock_timestamp())");
  configure("", {job("slow", "@every 1s",
                     alone("insert into ticks default values;"
                           "select pg_sleep(30)"))});
  Process first(command());
  ASSERT_TRUE(has_run("slow", "running"));
  ASSERT_TRUE(
      comes_true("select exists (select from pg_stat_activity where query like "
                 "'%pg_sleep(30)%' and pid <> pg_backend_pid() and datname = "
                 "current_database())"));
  first.signal(SIGKILL);
  first.wait();
  folder_.write("R__slow.sql", "insert into ticks default values");
  const std::int64_t skipped = runs("state = 'skipped'");
  db().run("update pgsluice.job_runs set heartbeat_at = clock_timestamp() where state = 'running'");
  Process second(command());
  EXPECT_TRUE(has_run("slow", "skipped", static_cast<int>(skipped) + 1))
      << "until it counts as lost";
  db().run(
      "update pgsluice.job_runs set heartbeat_at = clock_timestamp() - interval '1 minute' where "
      "state = 'running'");
  EXPECT_TRUE(has_run("slow", "lost"));
  EXPECT_TRUE(has_run("slow", "ran"));
  stop_at_work({&second});
  EXPECT_TRUE(
      comes_true("select not exists (select from pg_stat_activity where query like "
                 "'%pg_sleep(30)%' and pid <> pg_backend_pid() and datname = "
                 "current_database())"))
      << "the killed runner's process was stopped";
}

TEST_F(Schedules, SixDaysOfAbsenceAreCaughtUpOnce) {
  db().run("create table ticks (at timestamptz default clock_timestamp())");
  // So rarely that no slot of its own comes while this test looks.
  configure("", {job("tick", "@every 8h", "insert into ticks default values")});
  ASSERT_EQ(0, once().exit_code);
  EXPECT_EQ(0, runs("true")) << "a job that was just seen has missed nothing";
  be_away("tick", "6 days 1 minute");
  const Finished caught_up = once();
  EXPECT_EQ(0, caught_up.exit_code) << caught_up.err;
  EXPECT_EQ(1, runs("state = 'ran'"));
  EXPECT_GE(runs("state = 'missed'"), 17);
  EXPECT_EQ(1, db().number("select count(*) from ticks"));
  EXPECT_EQ(0, once().exit_code);
  EXPECT_EQ(1, db().number("select count(*) from ticks")) << "nothing is due";

  configure("",
            {job("tick", "@every 8h", "insert into ticks default values", "catchup = \"all\"")});
  be_away("tick", "2 days 1 minute");
  EXPECT_EQ(0, once().exit_code);
  EXPECT_GE(db().number("select count(*) from ticks"), 7);
  EXPECT_EQ(0, runs("state = 'missed'"));
}

TEST_F(Schedules, JobLongerThanItsPeriodSkipsSlots) {
  configure("", {job("long", "@every 1s", waits())});
  db().run("create table busy ()");
  Session holder(url());
  holder.run("begin; lock table busy");
  Process first(command());
  Process second(command());
  EXPECT_TRUE(has_run("long", "skipped", 2));
  EXPECT_EQ(1, runs("state in ('running', 'ran')"));
  holder.run("commit");
  EXPECT_TRUE(has_run("long", "ran", 3));
  stop_at_work({&first, &second});
  EXPECT_EQ(0, runs("state not in ('ran', 'skipped', 'missed') and attempts > 0"))
      << "never two at a time";
}

TEST_F(Schedules, QueueKeepsOneWaiting) {
  configure("", {job("long", "@every 1s", waits(), "overlap = \"queue\"")});
  db().run("create table busy ()");
  Session holder(url());
  holder.run("begin; lock table busy");
  Process runner(command());
  EXPECT_TRUE(has_run("long", "queued"));
  EXPECT_TRUE(has_run("long", "skipped")) << "behind the one that waits";
  EXPECT_EQ(1, runs("state = 'queued'"));
  holder.run("commit");
  for (int ran = 0; ran < 2;) {
    ASSERT_TRUE(comes_true("select count(*) > " + std::to_string(ran) +
                           " from pgsluice.job_runs where state = 'ran'"));
    EXPECT_GE(1, runs("state = 'queued'"));
    ran = static_cast<int>(runs("state = 'ran'"));
  }
  stop_at_work({&runner});
  EXPECT_EQ(0, runs("state in ('failed', 'queued', 'running')"));
}

TEST_F(Schedules, CancelStopsTheRunBeforeIt) {
  configure("", {job("long", "@every 3s", alone("select pg_sleep(60)"), "overlap = \"cancel\"")});
  Process runner(command());
  EXPECT_TRUE(has_run("long", "interrupted", 2));
  ASSERT_TRUE(
      comes_true("select exists (select from pgsluice.job_runs where state = 'running' and "
                 "claimed_at > clock_timestamp() - interval '500 ms')"))
      << "far from the next slot";
  runner.signal(SIGTERM);
  EXPECT_TRUE(runner.says("stopping"));
  EXPECT_EQ(143, stop(runner).exit_code);
  EXPECT_EQ(0, runs("state in ('failed', 'queued', 'running')"));
}

TEST_F(Schedules, SigtermLetsTheJobEnd) {
  make_one_due("long", "select pg_sleep(2)");
  Process runner(command());
  ASSERT_TRUE(runner.says("started")) << "a slot is its scheduler's before its job begins";
  const Finished stopped = stop(runner);
  EXPECT_EQ(0, stopped.exit_code) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("stopping: no new slot"));
  EXPECT_EQ(1, runs("state = 'ran'"));
  EXPECT_EQ(0, runs("state = 'running'"));
}

TEST_F(Schedules, SigtermEndsTheJobAfterTheGracePeriod) {
  make_one_due("long", "select pg_sleep(600)", "grace = \"500ms\"\n");
  Process runner(command({"--log", "json"}));
  ASSERT_TRUE(runner.says("started")) << "a slot is its scheduler's before its job begins";
  const Finished stopped = stop(runner);
  EXPECT_EQ(143, stopped.exit_code) << stopped.err;
  EXPECT_EQ(1, runs("state = 'interrupted'"));
  EXPECT_EQ(0, runs("state = 'running'"));
  std::istringstream lines(stopped.err);
  std::string events;
  for (std::string line; std::getline(lines, line);)
    events += nlohmann::json::parse(line)["event"].get<std::string>() + " ";
  EXPECT_THAT(events, HasSubstr("started"));
  EXPECT_THAT(events, HasSubstr("stopping"));
  EXPECT_THAT(events, HasSubstr("interrupted"));
}

TEST_F(Schedules, TimeoutAndRetries) {
  db().run("create table attempts (n int generated always as identity); create sequence s");
  configure("", {job("slow", "@every 10m", "select pg_sleep(600)", "timeout = \"300ms\""),
                 job("flaky", "@every 10m",
                     "do $$ begin if nextval('s') < 3 then raise 'not yet'; end if; end $$",
                     "retries = 5\nretry_delay = \"50ms\""),
                 job("broken", "@every 10m", "select 1/0")});
  ASSERT_EQ(0, once().exit_code);
  for (const char* name : {"slow", "flaky", "broken"}) be_away(name, "11 minutes");
  const Finished finished = once();
  EXPECT_EQ(1, finished.exit_code) << "a job failed";
  EXPECT_EQ(1, runs("job = 'slow' and state = 'timed_out' and attempts = 1"));
  EXPECT_EQ(1, runs("job = 'flaky' and state = 'ran' and attempts = 3 and exit_code = 0"));
  EXPECT_EQ(1, runs("job = 'broken' and state = 'failed' and exit_code = 1 and message like "
                    "'%division by zero%'"));
  const Finished history =
      pgsluice({"schedule", "history", "broken", "-d", url(), "--output", "json"});
  const auto json = nlohmann::json::parse(history.out);
  EXPECT_EQ("failed", json[0]["state"]);
  EXPECT_EQ(1, json[0]["exit_code"]);
  EXPECT_THAT(
      pgsluice({"schedule", "history", "-d", url()}).out,
      ::testing::AllOf(HasSubstr("timed_out    slow  "), HasSubstr("s  took longer than 0.30 s\n"),
                       HasSubstr("R__broken.sql:1:1: division by zero")));
}

TEST_F(Schedules, SighupReadsTheConfigurationAgain) {
  configure("", {job("old", "@every 1s", "select 1")});
  Process runner(command());
  ASSERT_TRUE(has_run("old", "ran"));
  folder_.write("pgsluice.toml", "dbname = 7");
  runner.signal(SIGHUP);
  EXPECT_TRUE(runner.says("not reloaded: "));
  EXPECT_THAT(runner.err_so_far(), HasSubstr("pgsluice.toml:1:10: a text in quotes"));
  configure("", {job("new", "@every 1s", "select 1")});
  runner.signal(SIGHUP);
  ASSERT_TRUE(has_run("new", "ran", 2));
  const auto before = runs("job = 'old'");
  ASSERT_TRUE(has_run("new", "ran", 4));
  EXPECT_EQ(before, runs("job = 'old'")) << "it is no job any more";
  stop_at_work({&runner});
}

TEST_F(Schedules, FilesOfAFolderAreLoadedOnceEach) {
  db().run("create table t (id int)");
  std::filesystem::create_directory(folder_ / "in");
  folder_.write("in/a.csv", "id\n1\n");
  folder_.write("in/b.csv", "id\nx\n");
  folder_.write("in/c.csv", "id\n3\n");
  const std::string load =
      "[[job]]\nname = \"in\"\ncron = \"@every 1s\"\nload = \"in/*.csv\"\ntable = \"t\"\nsettle = "
      "\"0s\"\n";
  configure("", {load});
  Process runner(command());
  ASSERT_TRUE(has_run("in", "failed", 2)) << "b.csv is bad, and does not stop the others";
  deliver("in/d.csv", "id\n4\n");
  deliver("in/b.csv", "id\n2\n");
  ASSERT_TRUE(has_run("in", "ran", 2));
  stop_at_work({&runner});
  EXPECT_EQ("1,2,3,4", db().value("select string_agg(id::text, ',' order by id) from t"));

  configure("", {load + "after = \"move:done\"\n"});
  ASSERT_EQ(0, std::rename((folder_ / "in/a.csv").c_str(), (folder_ / "in/z.csv").c_str()));
  be_away("in", "10 seconds");
  EXPECT_EQ(0, once().exit_code);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "in"));
  EXPECT_EQ("id\n4\n", read_file(folder_ / "done/d.csv"));
  EXPECT_EQ(4, db().number("select count(*) from t"));
}

TEST_F(Schedules, LostConnectionsAreOpenedAgain) {
  configure("", {job("tick", "@every 1s", "select 1")});
  Process runner(command());
  ASSERT_TRUE(has_run("tick", "ran"));
  for (int i = 0; i < 3; ++i) {
    db().run(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = "
        "'pgsluice' and datname = current_database()");
    std::this_thread::sleep_for(300ms);
  }
  const auto before = runs("state = 'ran'");
  EXPECT_TRUE(has_run("tick", "ran", static_cast<int>(before) + 2));
  stop_at_work({&runner});
}

TEST_F(Schedules, WorksBehindATransactionPooler) {
  db().run("create table t (id int)");
  folder_.write("x.csv", "id\n1\n");
  const Pooler pooler(url(), "transaction");
  folder_.write("pgsluice.toml",
                "dbname = \"" + pooler.url() + "\"\nmigrate_url = \"" + url() +
                    "\"\n[[job]]\nname = \"x\"\ncron = \"@every 1s\"\nload = \"x.csv\"\ntable = "
                    "\"t\"\nsettle = \"0s\"\n" +
                    job("y", "@every 1s", "insert into t values (2)"));
  Process first(command());
  Process second(command());
  EXPECT_TRUE(has_run("x", "ran", 2));
  EXPECT_TRUE(has_run("y", "ran", 2));
  stop_at_work({&first, &second});
  EXPECT_EQ(1, db().number("select count(*) from t where id = 1"));
  EXPECT_EQ(runs("job = 'y' and state = 'ran'"),
            db().number("select count(*) from t where id = 2"));
}

TEST_F(Schedules, OldRunsArePruned) {
  configure("keep = \"1h\"\n", {job("tick", "@every 1s", "select 1")});
  ASSERT_EQ(0, once().exit_code);
  db().run(
      "insert into pgsluice.job_runs (job, slot, state, runner, finished_at) select 'tick', "
      "now() - g * interval '1 minute', 'ran', 'x', now() - g * interval '1 minute' from "
      "generate_series(1, 120) g");
  Process runner(command());
  EXPECT_TRUE(comes_true("select count(*) < 65 from pgsluice.job_runs where runner = 'x'"));
  stop_at_work({&runner});
  EXPECT_GT(runs("runner = 'x'"), 50);
}

TEST_F(Schedules, FlagsThatAJobWouldStumbleOverAreSaidAtOnce) {
  const auto refusal = [this](const std::vector<std::string>& run, const std::string& flags) {
    configure("", {job("a", "@daily", "select 1", "flags = [" + flags + "]")});
    const Finished finished = pgsluice(run);
    EXPECT_EQ(2, finished.exit_code);
    return finished.err;
  };
  const std::vector<std::string> check{"schedule", "check", "--config", folder_ / "pgsluice.toml"};
  for (const auto& run : {check, command(), command({"--once"})}) {
    EXPECT_THAT(refusal(run, "\"--lock-timout\", \"3s\""),
                HasSubstr("pgsluice.toml:9:9: job \"a\": pgsluice migrate run: unknown flag "
                          "--lock-timout; did you mean --lock-timeout?"));
  }
  EXPECT_THAT(refusal(check, "\"--lock-timeout\", \"soon\""), HasSubstr("is not a duration"));
  EXPECT_THAT(refusal(check, "\"--placeholder\", \"x\""), HasSubstr("write NAME=VALUE"));
  EXPECT_THAT(refusal(check, "\"-d\", \"a\", \"-d\", \"b\""),
              HasSubstr("--dbname is given 2 times"));
  EXPECT_THAT(refusal(check, "\"--help\""), HasSubstr("runs nothing"));
}

TEST_F(Schedules, TheNextSlotIsSaidAtTheStart) {
  configure("", {job("late", "0 3 1 1 *", "select 1"), job("soon", "@every 1h", "select 1")});
  Process runner(command());
  EXPECT_TRUE(runner.says("follows"));
  const Finished stopped = stop(runner);
  EXPECT_THAT(stopped.err, HasSubstr("follows: this is the next slot of 2 jobs"));
  EXPECT_THAT(stopped.err, HasSubstr(" soon ("));
}

TEST_F(Schedules, CheckAsksNoDatabaseAndSaysWhatRuns) {
  folder_.write("pgsluice.toml",
                "dbname = \"postgresql://127.0.0.1:1/x\"\n" + job("a", "0 3 * * *", "select 1"));
  const Finished checked = pgsluice({"schedule", "check", "--config", folder_ / "pgsluice.toml"});
  EXPECT_EQ(0, checked.exit_code) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr("a  0 3 * * * UTC\n  pgsluice migrate run "));
  EXPECT_THAT(checked.out, HasSubstr("T03:00:00Z"));
  EXPECT_EQ(4, pgsluice(command({"--wait", "0"})).exit_code) << "run does ask it";
  EXPECT_EQ(2, pgsluice({"schedule", "check", "--config", "/nowhere.toml"}).exit_code);
}

}  // namespace
}  // namespace sluice::test
