#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "base/failure.hpp"
#include "source/source.hpp"
#include "source/stream_source.hpp"
#include "support/files.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

/// A FIFO, read by a thread of its own as a load does.
class Fifo : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(0, ::mkfifo(path_.c_str(), 0600)); }

  std::future<std::string> read_all(source::Source& source) {
    return std::async(std::launch::async, [&source] {
      std::string all;
      std::string some(1000, '\0');
      while (const std::size_t got = source.read(some.data(), some.size()))
        all += some.substr(0, got);
      return all;
    });
  }
  static bool ends_within(std::future<std::string>& reader, std::chrono::milliseconds time) {
    return reader.wait_for(time) == std::future_status::ready;
  }
  int writer() const { return ::open(path_.c_str(), O_WRONLY | O_CLOEXEC); }
  static void say(int fd, const std::string& text) {
    ASSERT_EQ(static_cast<ssize_t>(text.size()), ::write(fd, text.data(), text.size()));
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "fifo";
};

TEST_F(Fifo, ThatNobodyWritesIsOpenedAndItsReadIsStopped) {
  const auto source = source::open(path_);
  std::future<std::string> reader = read_all(*source);
  EXPECT_FALSE(ends_within(reader, 100ms)) << "a writer may still come";
  source->stop();
  EXPECT_EQ("", reader.get());
}

TEST_F(Fifo, AWriterThatComesLaterIsRead) {
  const auto source = source::open(path_);
  std::future<std::string> reader = read_all(*source);
  EXPECT_FALSE(ends_within(reader, 50ms));
  const int fd = writer();
  EXPECT_FALSE(ends_within(reader, 50ms)) << "it has said nothing";
  say(fd, "a\n");
  EXPECT_FALSE(ends_within(reader, 50ms)) << "it may say more";
  say(fd, "b\n");
  ::close(fd);
  EXPECT_EQ("a\nb\n", reader.get());
}

TEST_F(Fifo, EndsWithItsLastWriter) {
  const auto source = source::open(path_);
  std::future<std::string> reader = read_all(*source);
  const int first = writer();
  say(first, "1\n");
  const int second = writer();
  ::close(first);
  EXPECT_FALSE(ends_within(reader, 50ms));
  say(second, "2\n");
  const int third = writer();
  ::close(second);
  say(third, "3\n");
  ::close(third);
  EXPECT_EQ("1\n2\n3\n", reader.get());
}

TEST_F(Fifo, AWriterThatSaysNothingEndsIt) {
  const auto source = source::open(path_);
  std::future<std::string> reader = read_all(*source);
  ::close(writer());
  EXPECT_EQ("", reader.get());
}

TEST_F(Fifo, AWriterThatWasThereFirstIsRead) {
  int fd = -1;
  std::thread early([&] { fd = writer(); });
  const auto source = source::open(path_);
  early.join();
  say(fd, "early\n");
  ::close(fd);
  std::future<std::string> reader = read_all(*source);
  EXPECT_EQ("early\n", reader.get());
}

TEST_F(Fifo, ManyBytesInManyPiecesComeWhole) {
  const auto source = source::open(path_);
  std::future<std::string> reader = read_all(*source);
  std::string all;
  const int fd = writer();
  for (int i = 0; i < 3000; ++i) {
    const std::string piece(static_cast<std::size_t>(i % 700) + 1, static_cast<char>('a' + i % 26));
    say(fd, piece);
    all += piece;
  }
  ::close(fd);
  EXPECT_EQ(all, reader.get());
}

TEST_F(Fifo, WhatIsNoStreamOfBytesIsRefused) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder_ / "socket";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(0, ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
  for (const std::string& name : {path, folder_.path(), folder_ / "absent"}) {
    try {
      source::open(name);
      FAIL() << name;
    } catch (const Failure& failure) {
      EXPECT_EQ(FailureKind::usage, failure.kind());
      EXPECT_EQ(0U, std::string(failure.what()).find(name + ": ")) << failure.what();
    }
  }
  ::close(fd);
}

/// A pipe whose writer says what all of it was.
class Sealed : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(0, ::pipe2(text_, O_CLOEXEC));
    ASSERT_EQ(0, ::pipe2(seal_, O_CLOEXEC));
    ASSERT_EQ(4, ::write(text_[1], "a,b\n", 4));
  }
  std::string read_all() {
    source::StreamSource source("stdin", source::FileDescriptor(text_[0]),
                                source::FileDescriptor(seal_[0]));
    std::string all;
    std::string some(3, '\0');
    while (const std::size_t got = source.read(some.data(), some.size()))
      all += some.substr(0, got);
    return all;
  }

  int text_[2] = {};
  int seal_[2] = {};
};

TEST_F(Sealed, TheEndCountsOnceItIsSaidToBeOne) {
  ASSERT_EQ(1, ::write(seal_[1], "", 1));
  ::close(text_[1]);
  EXPECT_EQ("a,b\n", read_all());
  ::close(seal_[1]);
}

TEST_F(Sealed, TheEndOfTheWriterIsNotThatOfTheText) {
  ::close(text_[1]);
  ::close(seal_[1]);
  EXPECT_THROW(read_all(), Failure);
}

}  // namespace
}  // namespace sluice::test
