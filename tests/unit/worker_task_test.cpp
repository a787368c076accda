#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/task.hpp"

namespace sluice::process {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A server's side and a worker's, in one process.
class WorkerTask : public ::testing::Test {
 protected:
  /// The same pipe for all that a call reads and writes.
  WorkerTask() {
    Pipe pipe;
    out_ = std::move(pipe.out);
    streams_ = {.input = pipe.in.copy(),
                .result = pipe.in.copy(),
                .said = pipe.in.copy(),
                .seal = std::move(pipe.in)};
  }
  int server() const { return sockets_.ours.get(); }
  int worker() const { return sockets_.theirs.get(); }
  bool give(const Call& call, int folder = -1) { return send(server(), call, streams_, folder); }
  /// What was written into the pipe, once nobody can write there.
  std::string written() {
    streams_ = FedStreams();
    std::string text;
    char bytes[64];
    for (ssize_t got = 0; (got = ::read(out_.get(), bytes, sizeof bytes)) > 0;)
      text.append(bytes, static_cast<std::size_t>(got));
    return text;
  }

  SocketPair sockets_;
  FedStreams streams_;
  source::FileDescriptor out_;
};

TEST_F(WorkerTask, ACallArrivesAsItIs) {
  const Call call{.arguments = {"load", "", "--null=\\N", "a\nb", "\xff\xfe", "12 x", "-"},
                  .environment = {"A=1", "EMPTY=", "B=x y\nz"}};
  ASSERT_TRUE(give(call));
  const auto task = receive_task(worker());
  ASSERT_TRUE(task);
  EXPECT_EQ(call.arguments, task->arguments);
  EXPECT_EQ(call.environment, task->environment);
  EXPECT_LT(task->folder.get(), 0);
}

TEST_F(WorkerTask, NothingIsACallToo) {
  ASSERT_TRUE(give({}));
  const auto task = receive_task(worker());
  ASSERT_TRUE(task);
  EXPECT_THAT(task->arguments, IsEmpty());
  EXPECT_THAT(task->environment, IsEmpty());
}

TEST_F(WorkerTask, ItsDescriptorsComeInTheirOrder) {
  Pipe others[4];
  streams_ = {.input = std::move(others[0].in),
              .result = std::move(others[1].in),
              .said = std::move(others[2].in),
              .seal = std::move(others[3].in)};
  const source::FileDescriptor folder(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(give({.arguments = {"load"}}, folder.get()));
  const auto task = receive_task(worker());
  ASSERT_TRUE(task);
  EXPECT_GE(task->folder.get(), 0);
  const FedStreams& theirs = task->streams;
  int number = 0;
  for (const auto* stream : {&theirs.input, &theirs.result, &theirs.said, &theirs.seal}) {
    const char digit = static_cast<char>('0' + number);
    ASSERT_EQ(1, ::write(stream->get(), &digit, 1));
    char read = 0;
    ASSERT_EQ(1, ::read(others[number].out.get(), &read, 1));
    EXPECT_EQ(digit, read);
    EXPECT_NE(0, ::fcntl(stream->get(), F_GETFD) & FD_CLOEXEC);
    ++number;
  }
}

TEST_F(WorkerTask, CallsWaitInTheirOrder) {
  ASSERT_TRUE(give({.arguments = {"one"}}));
  ASSERT_TRUE(give({.arguments = {"two"}}));
  EXPECT_THAT(receive_task(worker())->arguments, ElementsAre("one"));
  EXPECT_THAT(receive_task(worker())->arguments, ElementsAre("two"));
}

TEST_F(WorkerTask, WhatIsTooLongForAMessageDoesNotGo) {
  EXPECT_FALSE(give({.arguments = {std::string(4 << 20, 'x')}}));
  ASSERT_TRUE(give({.arguments = {std::string(64 << 10, 'x')}})) << "as long as a request's head";
  EXPECT_EQ(64U << 10, receive_task(worker())->arguments.front().size());
}

TEST_F(WorkerTask, NobodyIsThere) {
  sockets_.theirs = source::FileDescriptor();
  EXPECT_FALSE(give({.arguments = {"load"}}));
  EXPECT_FALSE(receive_done(server()));
}

TEST_F(WorkerTask, TheServerHasGone) {
  ASSERT_TRUE(give({.arguments = {"load"}}));
  sockets_.ours = source::FileDescriptor();
  EXPECT_TRUE(receive_task(worker())) << "what was sent before";
  EXPECT_FALSE(receive_task(worker()));
  EXPECT_FALSE(send(worker(), Done{.exit_code = 0}));
}

/// Whoever waits for the end of a stream does not wait for a worker that never had it.
TEST_F(WorkerTask, DescriptorsOfAWorkerThatDiedAreClosed) {
  ASSERT_TRUE(give({.arguments = {"load"}}));
  sockets_.theirs = source::FileDescriptor();
  EXPECT_EQ("", written());
}

TEST_F(WorkerTask, WhatHasNoStreamsIsNoTask) {
  const std::string message("1 load\0", 7);
  ASSERT_EQ(static_cast<ssize_t>(message.size()),
            ::send(server(), message.data(), message.size(), 0));
  EXPECT_FALSE(receive_task(worker()));
}

TEST_F(WorkerTask, TheEndIsTold) {
  EXPECT_FALSE(receive_done(server())) << "not yet";
  ASSERT_TRUE(send(worker(), Done{.exit_code = 3}));
  ASSERT_TRUE(send(worker(), Done{.exit_code = 143, .is_last = true}));
  const auto first = receive_done(server());
  ASSERT_TRUE(first);
  EXPECT_EQ(3, first->exit_code);
  EXPECT_FALSE(first->is_last);
  const auto last = receive_done(server());
  ASSERT_TRUE(last);
  EXPECT_EQ(143, last->exit_code);
  EXPECT_TRUE(last->is_last);
}

}  // namespace
}  // namespace sluice::process
