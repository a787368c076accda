#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "support/migrations.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// A server that cuts each connection until it is there.
class ServerWaits : public MigrationTest {
 protected:
  void SetUp() override {
    write("001_a.sql", "select 1");
    write("pgsluice.toml", "[[job]]\nname = \"j\"\ncron = \"@daily\"\nsql = \"001_a.sql\"\n");
  }
  /// Everything that can wait for a server, by way of the proxy.
  std::vector<std::vector<std::string>> commands() const {
    const std::string config = path("pgsluice.toml");
    std::vector<std::vector<std::string>> all{
        {"migrate", "up", "--dir", path("")},
        {"migrate", "status", "--dir", path("")},
        {"migrate", "plan", "--dir", path("")},
        {"migrate", "run", path("001_a.sql")},
        {"migrate", "repair", "--dir", path(""), "--forget", "9"},
        {"migrate", "baseline", "1"},
        {"schedule", "run", "--once", "--config", config}};
    for (auto& command : all) command.insert(command.end(), {"-d", proxy_.url(url())});
    return all;
  }
  static std::vector<std::string> with(std::vector<std::string> command, const char* wait) {
    command.insert(command.end(), {"--wait", wait});
    return command;
  }

  std::atomic<bool> there_ = false;
  Proxy proxy_{url(), [this](std::size_t, Proxy::Direction, const std::string&) {
                 return there_ ? Proxy::Action::pass : Proxy::Action::cut;
               }};
};

TEST_F(ServerWaits, UntilItIsThere) {
  for (const auto& command : commands()) {
    SCOPED_TRACE(command[0] + " " + command[1]);
    there_ = false;
    Process process(command);
    process.says("--wait");
    EXPECT_THAT(process.err_so_far(), HasSubstr("for the server (--wait): "));
    EXPECT_TRUE(process.running());
    there_ = true;
    const Finished finished = process.wait();
    EXPECT_NE(4, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err, Not(HasSubstr("It was waited for")));
  }
}

TEST_F(ServerWaits, AndNoLongerThanItIsTold) {
  for (const auto& command : commands()) {
    SCOPED_TRACE(command[0] + " " + command[1]);
    const Finished late = pgsluice(with(command, "300ms"));
    EXPECT_EQ(4, late.exit_code) << late.err;
    EXPECT_THAT(late.err, HasSubstr("It was waited for 0.30 s (see --wait)"));
    const Finished at_once = pgsluice(with(command, "0"));
    EXPECT_EQ(4, at_once.exit_code) << at_once.err;
    EXPECT_THAT(at_once.err, Not(HasSubstr("--wait")));
  }
}

TEST_F(ServerWaits, EndAtASignal) {
  for (const auto& command : commands()) {
    SCOPED_TRACE(command[0] + " " + command[1]);
    Process process(with(command, "10min"));
    process.says("--wait");
    const auto sent = std::chrono::steady_clock::now();
    process.signal(SIGTERM);
    const Finished finished = process.wait();
    EXPECT_LT(std::chrono::steady_clock::now() - sent, 20s);
    EXPECT_EQ(command[0] == "schedule" ? 0 : 143, finished.exit_code) << finished.err;
  }
}

/// What time does not mend is said at once.
TEST_F(ServerWaits, NotForADatabaseThatIsNotThere) {
  there_ = true;
  for (auto command : commands()) {
    SCOPED_TRACE(command[0] + " " + command[1]);
    command.back() = url_of_database(url(), "no_such_database");
    const Finished finished = pgsluice(with(command, "10min"));
    EXPECT_EQ(4, finished.exit_code);
    EXPECT_THAT(finished.err, HasSubstr("no_such_database"));
  }
}

TEST(ServerWait, OneThatStartsIsWaitedFor) {
  PrivateServer server("max_connections=10");
  server.stop("fast");
  const TemporaryFolder folder;
  folder.write("001_a.sql", "create table a (id int)");
  Process process({"migrate", "up", "--dir", folder.path(), "-d", server.url(), "--wait", "5min"});
  ASSERT_TRUE(process.says("--wait"));
  server.start();
  const Finished finished = process.wait();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("001_a.sql in "));
}

}  // namespace
}  // namespace sluice::test
