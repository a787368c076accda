#include <gmock/gmock.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/proxy.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// load --wait: a server that is starting, or away, is waited for at the start.
class LoadWaits : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table t (id int)");
    path_ = folder_.write("in.csv", "id\n1\n");
  }
  std::vector<std::string> load(const std::vector<std::string>& flags) {
    std::vector<std::string> all{"load", path_, "-t", "t", "-d", proxy_.url(url())};
    all.insert(all.end(), flags.begin(), flags.end());
    return all;
  }
  static void expect_waiting(Process& process) {
    process.says("--wait");
    EXPECT_THAT(process.err_so_far(), HasSubstr("for the server (--wait): "));
    EXPECT_TRUE(process.running());
  }

  TemporaryFolder folder_;
  std::string path_;
  std::atomic<bool> there_ = false;
  Proxy proxy_{url(), [this](std::size_t, Proxy::Direction, const std::string&) {
                 return there_ ? Proxy::Action::pass : Proxy::Action::cut;
               }};
};

TEST_F(LoadWaits, UntilTheServerIsThere) {
  Process process(load({"--wait", "60s"}));
  expect_waiting(process);
  there_ = true;
  const Finished finished = process.wait();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ(1, db().number("select count(*) from t"));
}

TEST_F(LoadWaits, NoLongerThanItIsToldAndNotUnasked) {
  const Finished late = pgsluice(load({"--wait", "300ms"}));
  EXPECT_EQ(4, late.exit_code);
  EXPECT_THAT(late.err, HasSubstr("It was waited for 0.30 s (see --wait)"));
  const Finished at_once = pgsluice(load({}));
  EXPECT_EQ(4, at_once.exit_code);
  EXPECT_THAT(at_once.err, Not(HasSubstr("--wait")));
}

TEST_F(LoadWaits, EndsAtASignal) {
  Process process(load({"--wait", "10min"}));
  expect_waiting(process);
  process.signal(SIGTERM);
  EXPECT_EQ(143, process.wait().exit_code);
}

}  // namespace
}  // namespace sluice::test
