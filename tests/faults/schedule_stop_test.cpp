#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/patience.hpp"
#include "support/process.hpp"
#include "support/proxy.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// A scheduler is stopped while its database does not answer.
class StoppedSchedulers : public DatabaseTest {
 protected:
  enum class Away {
    no,
    silent,      ///< it takes everything, and says nothing
    refused,     ///< connections are cut, old and new ones
    deaf_later,  ///< it does what it is told, and its answer is lost: once, then it is silent
  };

  void SetUp() override {
    db().run("create table ticks (at timestamptz default clock_timestamp())");
    proxy_ = std::make_unique<Proxy>(
        url(), [this](std::size_t, Proxy::Direction direction, const std::string& bytes) {
          switch (away_.load()) {
            case Away::no: return Proxy::Action::pass;
            case Away::silent: is_asked_ = true; return Proxy::Action::hold;
            case Away::refused: is_asked_ = true; return Proxy::Action::cut;
            case Away::deaf_later: break;
          }
          if (direction == Proxy::Direction::to_server && bytes.contains("pgsluice.job_runs (")) {
            away_ = Away::silent;
            return Proxy::Action::swallow;
          }
          return Proxy::Action::pass;
        });
  }
  /// `direct`: the job itself does not go by way of the proxy.
  void configure(const std::string& cron, const std::string& sql, const std::string& more = "",
                 bool direct = false) {
    folder_.write("j.sql", sql);
    folder_.write("pgsluice.toml", "dbname = \"" + proxy_->url(url()) + "\"\n" +
                                       (direct ? "migrate_url = \"" + url() + "\"\n" : "") +
                                       "[scheduler]\ngrace = \"" + grace_ +
                                       "\"\n[[job]]\nname = \"j\"\ncron = "
                                       "\"" +
                                       cron + "\"\nsql = \"j.sql\"\n" + more);
  }
  std::vector<std::string> command() const {
    return {"schedule", "run", "--config", folder_ / "pgsluice.toml"};
  }
  /// The grace period, and time for a busy machine; what is not heard of would take a minute.
  Finished expect_stops(Process& process) {
    const auto sent = std::chrono::steady_clock::now();
    process.signal(SIGTERM);
    const Finished finished = process.wait();
    EXPECT_LT(std::chrono::steady_clock::now() - sent, 20s) << finished.err;
    const std::string after = finished.err.substr(finished.err.find(" stopping: "));
    EXPECT_THAT(after, Not(HasSubstr(" started")));
    return finished;
  }
  std::int64_t ticks() { return db().number("select count(*) from ticks"); }
  /// From now on, and it has asked something since.
  bool goes_away(Away away) {
    is_asked_ = false;
    away_ = away;
    return is_seen([this] { return is_asked_.load(); });
  }
  static std::int64_t count_of(const std::string& word, const std::string& text) {
    std::int64_t count = 0;
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) ++count;
    return count;
  }

  std::string grace_ = "2s";
  std::atomic<Away> away_ = Away::no;
  std::atomic<bool> is_asked_ = false;  ///< something came while it was silent
  TemporaryFolder folder_;
  std::unique_ptr<Proxy> proxy_;
};

TEST_F(StoppedSchedulers, WhileItAsksForSlots) {
  for (const Away away : {Away::silent, Away::refused}) {
    for (const char* more : {"", "overlap = \"queue\"\n", "catchup = \"all\"\n"}) {
      SCOPED_TRACE(std::to_string(static_cast<int>(away)) + more);
      away_ = Away::no;
      configure("@every 1s", "insert into ticks default values", more, true);
      Process process(command());
      const std::int64_t before = ticks();
      ASSERT_TRUE(comes_true("select count(*) > " + std::to_string(before) + " from ticks"));
      ASSERT_TRUE(goes_away(away));  // it has no answer
      const Finished finished = expect_stops(process);
      EXPECT_THAT(finished.exit_code, ::testing::AnyOf(0, 143)) << finished.err;
      ASSERT_TRUE(
          comes_true("select not exists (select from pg_stat_activity where state = 'active' and "
                     "query like '%insert into ticks%' and pid <> pg_backend_pid())"));
      const std::int64_t ran = ticks();
      EXPECT_LE(ran - before, count_of(" started", finished.err)) << finished.err;
      std::this_thread::sleep_for(1200ms);
      EXPECT_EQ(ran, ticks()) << finished.err;
      db().run("truncate pgsluice.job_runs");  // what could not be told would be waited for
    }
  }
}

TEST_F(StoppedSchedulers, WhileItSleeps) {
  configure("@yearly", "insert into ticks default values");
  for (const Away away : {Away::silent, Away::refused}) {
    away_ = Away::no;
    Process process(command());
    ASSERT_TRUE(process.says("follows"));
    std::this_thread::sleep_for(300ms);
    away_ = away;
    EXPECT_EQ(0, expect_stops(process).exit_code);
  }
}

TEST_F(StoppedSchedulers, BeforeItsDatabaseHasEverAnswered) {
  away_ = Away::silent;
  configure("@every 1s", "insert into ticks default values");
  Process process(command());
  ASSERT_TRUE(is_seen([this] { return is_asked_.load(); }))
      << "it listens to signals before it asks its database anything";
  std::this_thread::sleep_for(300ms);
  ASSERT_TRUE(process.running());
  EXPECT_EQ(0, expect_stops(process).exit_code);
}

/// Its slot is stored, and nobody told it: the job does not run here, and the slot is not left
/// running for ever.
TEST_F(StoppedSchedulers, AClaimWithoutAnAnswerIsNotRun) {
  configure("@every 2s", "insert into ticks default values", "", true);
  std::vector<std::string> once = command();
  once.emplace_back("--once");
  ASSERT_EQ(0, pgsluice(once).exit_code);
  db().run("delete from pgsluice.job_runs; truncate ticks");
  away_ = Away::deaf_later;
  Process process(command());
  ASSERT_TRUE(comes_true("select exists (select from pgsluice.job_runs where state = 'running')"));
  expect_stops(process);
  EXPECT_EQ(0, ticks());
  away_ = Away::no;
  db().run(
      "update pgsluice.job_runs set heartbeat_at = heartbeat_at - interval '2 minutes' where "
      "state = 'running'");
  Process next(command());
  EXPECT_TRUE(comes_true("select exists (select from pgsluice.job_runs where state = 'lost')"));
  EXPECT_TRUE(comes_true("select count(*) > 0 from ticks"));
  EXPECT_THAT(expect_stops(next).exit_code, ::testing::AnyOf(0, 143)) << "a slot just asked for";
}

/// The job's own process has no answer either: it is stopped in the grace period and what belongs
/// to it, and the end that cannot be told is said.
TEST_F(StoppedSchedulers, WhileAJobRuns) {
  for (const bool direct : {false, true}) {
    away_ = Away::no;
    configure("@every 1s", "insert into ticks default values; select pg_sleep(600)", "", direct);
    Process process(command());
    ASSERT_TRUE(
        comes_true("select exists (select from pg_stat_activity where query like "
                   "'%pg_sleep(600)%' and pid <> pg_backend_pid() and datname = "
                   "current_database())"));
    away_ = Away::silent;
    std::this_thread::sleep_for(300ms);
    const Finished finished = expect_stops(process);
    EXPECT_EQ(143, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("interrupted"));
    EXPECT_THAT(finished.err, HasSubstr("will count it as lost"));
    db().run(
        "select pg_terminate_backend(pid) from pg_stat_activity where query like "
        "'%pg_sleep(600)%' and pid <> pg_backend_pid(); delete from pgsluice.job_runs");
  }
}

TEST_F(StoppedSchedulers, SecondSignalEndsItAtOnce) {
  grace_ = "10m";
  configure("@every 1s", "insert into ticks default values");
  Process process(command());
  ASSERT_TRUE(comes_true("select count(*) > 0 from ticks"));
  ASSERT_TRUE(goes_away(Away::silent));
  process.signal(SIGTERM);
  EXPECT_TRUE(process.says("stopping: "));
  expect_stops(process);
}

/// An impatient hand, or a supervisor that sends its signal until the process is gone.
TEST_F(StoppedSchedulers, ManySignalsDoNotPutTheEndOff) {
  configure("@every 1s", "select pg_sleep(600)", "", true);
  Process process(command());
  ASSERT_TRUE(process.says("started")) << "a slot is its scheduler's before its job begins";
  away_ = Away::silent;
  const auto began = std::chrono::steady_clock::now();
  while (process.running() && std::chrono::steady_clock::now() - began < 40s) {
    process.signal(SIGTERM);
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, 20s);
  process.signal(SIGKILL);
  EXPECT_EQ(143, process.wait().exit_code);
}

}  // namespace
}  // namespace sluice::test
