#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <thread>

#include "support/migrations.hpp"
#include "support/patience.hpp"
#include "support/proxy.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// A server that takes what it is sent, and at some moment says nothing more.
class SilentServer : public MigrationTest {
 protected:
  void SetUp() override {
    write("V1__a.sql", "create table a ()");
    stand_between();
  }
  /// Anew: what an earlier one held is let go, as the server would at last.
  void stand_between() {
    proxy_.reset();
    silent_ = false;
    proxy_ = std::make_unique<Proxy>(
        url(), [this](std::size_t, Proxy::Direction direction, const std::string& bytes) {
          if (direction == Proxy::Direction::to_server && bytes.contains(until_)) silent_ = true;
          return silent_ ? Proxy::Action::hold : Proxy::Action::pass;
        });
  }

  std::vector<std::string> through_proxy(const std::string& subcommand,
                                         std::vector<std::string> more = {}) const {
    std::vector<std::string> all = command(subcommand, std::move(more));
    for (std::string& one : all) {
      if (one == url()) one = proxy_->url(url());
    }
    return all;
  }
  /// Starts a command, which gets no answer from the moment that the server is sent `text`.
  std::unique_ptr<Process> start(const std::string& text, const std::vector<std::string>& command) {
    until_ = text;
    auto process = std::make_unique<Process>(command);
    EXPECT_TRUE(is_seen([&] { return silent_ || !process->running(); }));
    EXPECT_TRUE(silent_) << text << " is not sent: " << process->err_so_far();
    return process;
  }
  /// Its server never answers: without the signal, it would wait for minutes.
  void expect_interrupted(Process& process, int signals) {
    std::this_thread::sleep_for(200ms);
    EXPECT_TRUE(process.running()) << process.err_so_far();
    const auto sent = std::chrono::steady_clock::now();
    process.signal(SIGTERM);
    if (signals > 1) {
      EXPECT_TRUE(process.says("stopping: "));
      process.signal(SIGTERM);
    }
    const Finished finished = process.wait();
    EXPECT_EQ(143, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("interrupted"));
    EXPECT_LT(std::chrono::steady_clock::now() - sent, 60s) << finished.err;
    until_ = "no such text";
    stand_between();
    EXPECT_TRUE(no_session_left());
  }

  std::string until_ = "no such text";
  std::atomic<bool> silent_ = false;
  std::unique_ptr<Proxy> proxy_;
};

/// From the first byte on: libpq waits for the login.
TEST_F(SilentServer, WhileItConnects) {
  for (const char* subcommand : {"up", "status", "plan"}) {
    SCOPED_TRACE(subcommand);
    expect_interrupted(*start("user", through_proxy(subcommand)), 1);
  }
}

TEST_F(SilentServer, WhileItIsAskedAQuestion) {
  const std::string sql = path("V1__a.sql");
  for (const auto& [until, subcommand] :
       {std::pair{"has_schema_privilege", "status"}, std::pair{"has_schema_privilege", "plan"},
        std::pair{"has_schema_privilege", "up"}, std::pair{"pg_backend_pid", "up"},
        std::pair{"pg_try_advisory_lock", "up"}, std::pair{"create schema pgsluice", "up"}}) {
    SCOPED_TRACE(std::string(until) + " " + subcommand);
    expect_interrupted(*start(until, through_proxy(subcommand)), 1);
  }
  for (std::vector<std::string> command :
       {std::vector<std::string>{"migrate", "baseline", "1"},
        std::vector<std::string>{"migrate", "repair", "--dir", path(""), "--accept", "1"},
        std::vector<std::string>{"migrate", "repair", "--forget", "1"}}) {
    SCOPED_TRACE(command[1]);
    command.insert(command.end(), {"-d", proxy_->url(url())});
    expect_interrupted(*start("pg_try_advisory_lock", command), 1);
  }
  EXPECT_EQ(0, up().exit_code);
  EXPECT_TRUE(has_table("a"));
}

/// One signal: within the grace period. Two: at once, but for the time to cancel.
TEST_F(SilentServer, WhileAStatementRuns) {
  int version = 1;
  std::string create;
  for (const int signals : {1, 2}) {
    for (const char* head : {"", "-- pgsluice: no-transaction\n"}) {
      SCOPED_TRACE(std::to_string(signals) + head);
      const std::string number = std::to_string(++version);
      create = "create table if not exists b" + number;
      write("V" + number + "__b.sql", head + create + " (); select pg_sleep(0)");
      const char* const grace = signals == 1 ? "10s" : "10min";
      expect_interrupted(*start(create, through_proxy("up", {"--stop-after", grace})), signals);
    }
  }
  const std::vector<std::string> run{
      "migrate", "run", path("V5__b.sql"), "-d", proxy_->url(url()), "--stop-after", "10min"};
  expect_interrupted(*start(create, run), 2);
  EXPECT_EQ(0, up().exit_code);
  EXPECT_EQ("1 applied, 2 applied, 3 applied, 4 applied, 5 applied", history());
}

/// Commands that only ask have nothing to finish.
TEST_F(SilentServer, ReadersEndAtOnce) {
  ASSERT_EQ(0, up().exit_code);
  for (const char* until : {"user", "pgsluice"}) {
    for (std::vector<std::string> command :
         {std::vector<std::string>{"loads"}, std::vector<std::string>{"loads", "show", "1"},
          std::vector<std::string>{"schedule", "history"}}) {
      SCOPED_TRACE(until + command[0]);
      command.insert(command.end(), {"-d", proxy_->url(url())});
      expect_interrupted(*start(until, command), 1);
    }
  }
}

/// Nobody is there to send a signal.
TEST_F(SilentServer, IsGivenUpAfterTheStallTimeout) {
  const std::vector<std::string> limited{"--stall-timeout", "5s"};
  const auto status = start("has_schema_privilege", through_proxy("status", limited));
  const Finished finished = status->wait();
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_THAT(finished.err, HasSubstr("the server was silent for 5.0 s"));
  EXPECT_THAT(finished.err, HasSubstr("--stall-timeout"));
  write("V3__c.sql", "select pg_sleep(7); create table c ()");
  until_ = "no such text";
  stand_between();
  const Finished slow = pgsluice(through_proxy("up", limited));
  EXPECT_EQ(0, slow.exit_code) << "a statement may be silent: " << slow.err;
  EXPECT_TRUE(has_table("c"));
}

}  // namespace
}  // namespace sluice::test
