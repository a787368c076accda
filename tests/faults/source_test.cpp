#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Sources that say nothing, or never end.
class Sources : public DatabaseTest {
 protected:
  void SetUp() override { db().run("create table t (a int)"); }

  std::vector<std::string> load(const std::string& path) const {
    return {"load", path, "-t", "t", "-d", url(), "--progress", "none"};
  }
  /// It is under way, and a signal ends it long before anything else would.
  void expect_ends(const std::string& path, int number, Process::Options options = {}) {
    SCOPED_TRACE(path + ", signal " + std::to_string(number));
    Process process(load(path), std::move(options));
    ASSERT_TRUE(
        comes_true("select exists (select from pg_stat_activity where application_name = "
                   "'pgsluice' and datname = current_database())"));
    std::this_thread::sleep_for(100ms);
    ASSERT_TRUE(process.running());
    const auto sent = std::chrono::steady_clock::now();
    process.signal(number);
    const Finished finished = process.wait();
    EXPECT_EQ(128 + number, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("interrupted"));
    EXPECT_LT(std::chrono::steady_clock::now() - sent, 20s);
    EXPECT_EQ(0, db().number("select count(*) from t"));
  }

  TemporaryFolder folder_;
};

TEST_F(Sources, AFifoThatNobodyWritesIsInterrupted) {
  const std::string path = folder_ / "fifo";
  ASSERT_EQ(0, ::mkfifo(path.c_str(), 0600));
  for (const int number : {SIGINT, SIGTERM}) expect_ends(path, number);
}

TEST_F(Sources, ATerminalIsInterrupted) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(0, ::grantpt(terminal));
  ASSERT_EQ(0, ::unlockpt(terminal));
  const std::string path = ::ptsname(terminal);
  expect_ends(path, SIGINT);
  expect_ends("-", SIGTERM, {.input = path});
  ::close(terminal);
}

TEST_F(Sources, AFifoIsLoadedWhenItsWriterComes) {
  const std::string path = folder_ / "fifo";
  ASSERT_EQ(0, ::mkfifo(path.c_str(), 0600));
  Process process(load(path));
  std::this_thread::sleep_for(200ms);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const std::string text = "a\n1\n2\n";
  ASSERT_EQ(static_cast<ssize_t>(text.size()), ::write(fd, text.data(), text.size()));
  ::close(fd);
  const Finished finished = process.wait();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ(2, db().number("select count(*) from t"));
}

/// A record that never ends is refused at its bound.
TEST_F(Sources, ADeviceThatNeverEndsIsRefused) {
  std::vector<std::string> endless = load("/dev/zero");
  endless.insert(endless.end(), {"--header", "none", "--max-record-bytes", "1M"});
  const Finished finished = pgsluice(endless);
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_THAT(finished.err, HasSubstr("/dev/zero"));
  EXPECT_THAT(finished.err, HasSubstr("--max-record-bytes"));
  const Finished empty = pgsluice(load("/dev/null"));
  EXPECT_THAT(empty.err, HasSubstr("/dev/null"));
}

}  // namespace
}  // namespace sluice::test
