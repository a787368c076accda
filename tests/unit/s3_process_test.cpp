#include "s3/process.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <csignal>
#include <thread>

#include "base/failure.hpp"
#include "s3/machine.hpp"
#include "support/files.hpp"

namespace sluice::s3 {
namespace {

using ::testing::HasSubstr;

/// Whether it still runs: one that is a zombie does not.
bool is_there(const std::string& pid) {
  const std::string status = test::read_file("/proc/" + pid + "/stat");
  const std::size_t end = status.rfind(')');
  return end != std::string::npos && status.compare(end, 4, ") Z ") != 0;
}

FailureKind kind_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Failure& failure) {
    return failure.kind();
  }
  return FailureKind::budget;
}

TEST(S3Process, IsDoneWhenItHasEndedWhoeverHasItsOutput) {
  const test::TemporaryFolder folder;
  const std::string script = "sleep 300 & echo $! > " + (folder / "pid") + "; echo keys";
  EXPECT_EQ("keys\n", run_program({"sh", "-c", script}));
  std::string pid = test::read_file(folder / "pid");
  pid.pop_back();
  EXPECT_TRUE(is_there(pid)) << "it is nobody's business";
  ::kill(std::stoi(pid), SIGKILL);
}

TEST(S3Process, WritesMoreThanAPipeHolds) {
  EXPECT_EQ(60'000U, run_program({"sh", "-c", "head -c 60000 /dev/zero"}).size());
  EXPECT_THROW(run_program({"sh", "-c", "yes"}), Failure);
}

/// Also where it, and what it has started, ignores signals.
TEST(S3Process, IsEndedWithItsGroup) {
  const test::TemporaryFolder folder;
  const std::string script = "trap '' INT TERM; sleep 300 & echo $! > " + (folder / "new") +
                             "; mv " + (folder / "new") + " " + (folder / "pid") + "; wait";
  std::stop_source stop;
  std::jthread stopping([&] {
    struct stat status{};
    while (::stat((folder / "pid").c_str(), &status) != 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    stop.request_stop();
  });
  EXPECT_EQ(FailureKind::interrupted,
            kind_of([&] { run_program({"sh", "-c", script}, stop.get_token()); }));
  std::string pid = test::read_file(folder / "pid");
  pid.pop_back();
  while (is_there(pid)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(FailureKind::interrupted, kind_of([&] { run_program({"true"}, stop.get_token()); }));
}

TEST(S3Settings, OfAFileWaitForNobody) {
  const test::TemporaryFolder folder;
  const std::string fifo = folder / "fifo";
  ASSERT_EQ(0, ::mkfifo(fifo.c_str(), 0600));
  try {
    settings_in(fifo);
    ADD_FAILURE();
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.problem(), HasSubstr("fifo: is no regular file"));
  }
  EXPECT_THROW(settings_in(folder / ""), Failure);
  EXPECT_EQ(std::nullopt, settings_in(folder / "gone"));
  EXPECT_EQ(std::nullopt, settings_in((folder / "fifo") + "/a"));
  EXPECT_EQ("", settings_in("/dev/null"));
  EXPECT_EQ("[a]\n", settings_in(folder.write("config", "[a]\n")));
  EXPECT_THROW(settings_in(folder.write("long", std::string(1024 * 1024 + 1, 'a'))), Failure);
}

}  // namespace
}  // namespace sluice::s3
