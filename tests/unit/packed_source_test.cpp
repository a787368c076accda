#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <future>

#include "base/failure.hpp"
#include "source/packing.hpp"
#include "source/read_ahead.hpp"
#include "source/recognised_source.hpp"
#include "support/files.hpp"
#include "support/packed.hpp"
#include "unit/chunked.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string read_all(source::Source& source, std::size_t at_once = 1000) {
  std::string all;
  std::string some(at_once, '\0');
  for (;;) {
    const std::size_t got = source.read(some.data(), some.size());
    all.append(some, 0, got);
    if (got < some.size()) return all;
  }
}

/// What the read throws.
std::string failure_of(source::Source& source) {
  try {
    read_all(source);
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "";
}

class PackedFile : public ::testing::Test {
 protected:
  std::unique_ptr<source::Source> open(const std::string& name, const std::string& bytes,
                                       const source::UnpackOptions& options = {}) const {
    return source::open(folder_.write(name, bytes), options);
  }

  TemporaryFolder folder_;
  std::string text_ = csv_to_pack(5'000'000);
};

constexpr const char* commands[] = {
    "gzip -c", "zstd -q -c", "lz4 -q -c", "lz4 -q -c -l", "xz -1 -c -T2 --block-size=1MiB",
    "bzip2 -c"};

TEST_F(PackedFile, IsReadByContentWhateverItsName) {
  for (const char* command : commands) {
    SCOPED_TRACE(command);
    const auto source = open("any", piped(command, text_));
    EXPECT_FALSE(source->length());
    EXPECT_TRUE(source->file());
    EXPECT_TRUE(text_ == read_all(*source));
    EXPECT_EQ(0U, source->read(text_.data(), 10));
    ASSERT_TRUE(source->packed());
    EXPECT_EQ(source->packed()->total, source->packed()->done);
    ASSERT_TRUE(source->rewind());
    EXPECT_TRUE(text_ == read_all(*source, 700'000));
    EXPECT_GT(source->memory_bytes(), limits::ahead_bytes);
  }
}

TEST_F(PackedFile, IsReadFromAnyPlace) {
  const auto source = open("f.csv.zst", piped("zstd -q -c", text_));
  std::string some(100, '\0');
  for (const std::size_t at : {4'000'000U, 3U, 0U, 4'900'000U, 4'900'200U}) {
    ASSERT_TRUE(source->seek(at));
    ASSERT_EQ(some.size(), source->read(some.data(), some.size()));
    EXPECT_EQ(text_.substr(at, some.size()), some);
  }
  EXPECT_TRUE(source->seek(text_.size()));
  EXPECT_EQ(0U, source->read(some.data(), some.size()));
  EXPECT_FALSE(source->seek(text_.size() + 1));
}

TEST_F(PackedFile, PackedTwiceIsUnpackedTwiceAndNoMore) {
  const std::string twice = piped("gzip -c | xz -c", text_);
  EXPECT_TRUE(text_ == read_all(*open("two", twice)));
  EXPECT_THAT(failure_of(*open("three", piped("zstd -q -c", twice))),
              HasSubstr("is packed more than twice (what is in it is gzip again)"));
}

TEST_F(PackedFile, ThatIsCutThrowsBehindItsLastByte) {
  for (const char* command : commands) {
    SCOPED_TRACE(command);
    if (std::string_view(command).ends_with("-l")) continue;  // all of it is one block
    const std::string packed = piped(command, text_);
    const auto source = open("cut", packed.substr(0, packed.size() - 3));
    // Half of it is good, and comes.
    std::string half(text_.size() / 3, '\0');
    ASSERT_EQ(half.size(), source->read(half.data(), half.size()));
    EXPECT_TRUE(text_.starts_with(half));
    EXPECT_THAT(failure_of(*source), HasSubstr("cut: its "));
    EXPECT_THAT(failure_of(*source), HasSubstr("ends too early, at packed byte")) << "once more";
  }
}

/// A line end in front of the cut does not make what came before the whole.
TEST_F(PackedFile, GivesAllBytesBeforeTheCutAndThenThrows) {
  const std::string first = piped("gzip -c", text_);
  const auto source = open("cut.gz", first + piped("gzip -c", "3\n").substr(0, 10));
  std::string all(text_.size() + 1, '\0');
  EXPECT_THROW(source->read(all.data(), all.size()), Failure);
  ASSERT_TRUE(source->rewind());
  ASSERT_EQ(text_.size(), source->read(all.data(), text_.size()));
  EXPECT_TRUE(all.starts_with(text_));
  EXPECT_THROW(source->read(all.data(), 1), Failure);
  EXPECT_THROW(source->read(all.data(), 1), Failure);
}

TEST_F(PackedFile, ThatIsCutInItsFirstBytesIsNoText) {
  const std::pair<const char*, const char*> cases[] = {{"gzip -c", "f.csv.gz"},
                                                       {"zstd -q -c", "f.csv.zst"},
                                                       {"lz4 -q -c", "f.csv.lz4"},
                                                       {"xz -c", "f.csv.xz"},
                                                       {"bzip2 -c", "f.csv.bz2"}};
  for (const auto& [command, name] : cases) {
    const std::string packed = piped(command, "a\n1\n");
    for (std::size_t size = 0; size < packed.size(); ++size) {
      SCOPED_TRACE(std::string(name) + " of " + std::to_string(size));
      try {
        read_all(*open(name, packed.substr(0, size)));
        ADD_FAILURE() << "taken for whole";
      } catch (const Failure& failure) {
        EXPECT_EQ(FailureKind::failed, failure.kind());
        EXPECT_THAT(failure.what(), HasSubstr("ends too early"));
      }
    }
  }
}

TEST_F(PackedFile, SaysWhatIsOdd) {
  EXPECT_THAT(open("a.csv.gz", "a\n1\n")->oddity(), HasSubstr("a.csv.gz is not packed, whatever"));
  const auto packed = open("b.csv", piped("gzip -c", "a\n1\n"));
  EXPECT_EQ("a\n1\n", read_all(*packed));
  EXPECT_THAT(packed->oddity(), HasSubstr("b.csv is packed, whatever"));
  const auto plain = open("c.csv", "a\n1\n");
  EXPECT_EQ("", plain->oddity());
  EXPECT_EQ(4U, plain->length());
}

TEST_F(PackedFile, StopsAtItsLimit) {
  const std::string packed = piped("gzip -c", text_);
  source::UnpackOptions options;
  options.bytes_max = text_.size();
  EXPECT_EQ("", failure_of(*open("f", packed, options)));
  options.bytes_max = text_.size() - 1;
  EXPECT_THAT(failure_of(*open("f", packed, options)), HasSubstr("(see --max-bytes)"));
}

/// What has to be unpacked to see what it is may be more than a stream keeps.
TEST_F(PackedFile, ComesThroughAPipeTooWhateverItsBlocks) {
  const std::string text = csv_to_pack(20'000'000);
  for (const char* command : commands) {
    SCOPED_TRACE(command);
    const std::string packed = folder_.write("f", piped(command, text));
    const std::string pipe = folder_ / "pipe";
    ASSERT_EQ(0, ::mkfifo(pipe.c_str(), 0600));
    auto writer = std::async(std::launch::async,
                             [&] { return std::system(("cat " + packed + " > " + pipe).c_str()); });
    const auto source = source::open(pipe);
    std::string first(1'500'000, '\0');
    ASSERT_EQ(first.size(), source->read(first.data(), first.size()));
    ASSERT_TRUE(source->rewind()) << "its beginning is kept, unpacked";
    EXPECT_TRUE(text == read_all(*source, 100'000));
    EXPECT_FALSE(source->rewind());
    EXPECT_EQ(0, writer.get());
    ::unlink(pipe.c_str());
  }
}

TEST(Packing, OfANameIsTakenFromIt) {
  const std::pair<const char*, const char*> cases[] = {{"trips.csv.gz", "trips.csv"},
                                                       {"trips.tar.gz", "trips"},
                                                       {"trips.tgz", "trips"},
                                                       {"trips.csv", "trips.csv"},
                                                       {".gz", ".gz"},
                                                       {"a/b.zst", "a/b"},
                                                       {"x.7z", "x"},
                                                       {"gz", "gz"}};
  for (const auto& [name, rest] : cases)
    EXPECT_EQ(rest, source::name_without_packing(name)) << name;
}

TEST(Packing, IsThatOfTheContent) {
  using source::Packing;
  EXPECT_EQ(Packing::none, source::packing_of("BZhello,world\n"));
  EXPECT_EQ(Packing::none, source::packing_of("BZh9,a\n"));
  EXPECT_EQ(Packing::none, source::packing_of("PK,name\n"));
  EXPECT_EQ(Packing::none, source::packing_of(csv_to_pack(1000)));
  const std::string skippable("\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
  EXPECT_EQ(Packing::lz4, source::packing_of(skippable + piped("lz4 -q -c", "a")));
  EXPECT_EQ(Packing::zstd, source::packing_of(skippable + piped("zstd -q -c", "a")));
  EXPECT_EQ(Packing::none, source::packing_of(std::string(1024, '\0'))) << "/dev/zero never ends";
}

/// Bytes that come when they are asked for, slowly, and never end.
class Endless final : public source::Source {
 public:
  std::size_t read(char* into, std::size_t size) override {
    while (!stopped_) {
      std::this_thread::sleep_for(1ms);
      if (reads_ < 3) break;
    }
    if (stopped_) return 0;
    ++reads_;
    std::fill_n(into, size, 'x');
    return size;
  }
  bool comes_once() const override { return once_; }
  bool rewind() override { return !once_; }
  bool seek(std::uint64_t) override { return !once_; }
  void stop() override { stopped_ = true; }
  std::optional<std::uint64_t> length() const override { return std::nullopt; }
  std::string stamp() const override { return {}; }
  std::string tail(std::size_t) const override { return {}; }
  std::optional<Packed> packed() const override { return Packed{}; }
  const std::string& name() const override { return name_; }
  std::string identity() const override { return name_; }

  bool once_ = true;

 private:
  std::atomic<int> reads_ = 0;
  std::atomic<bool> stopped_ = false;
  std::string name_ = "endless";
};

TEST(ReadAheadThread, IsStoppedWhileItWaits) {
  source::ReadAhead ahead(std::make_unique<Endless>());
  std::string some(100, '\0');
  ASSERT_EQ(100U, ahead.read(some.data(), some.size()));
  auto rest = std::async(std::launch::async, [&] { return read_all(ahead, 100'000).size(); });
  EXPECT_EQ(std::future_status::timeout, rest.wait_for(50ms));
  ahead.stop();
  EXPECT_EQ(std::future_status::ready, rest.wait_for(1min));
  EXPECT_EQ(0U, ahead.read(some.data(), some.size()));
}

TEST(ReadAheadThread, EndsWithItsSourceWhileItWaits) {
  auto ahead = std::make_unique<source::ReadAhead>(std::make_unique<Endless>());
  std::string some(100, '\0');
  ASSERT_EQ(100U, ahead->read(some.data(), some.size()));
  ASSERT_EQ(100U, ahead->read(some.data(), some.size()));
  ahead.reset();
}

TEST_F(PackedFile, ThatIsStoppedIsNotCalledCut) {
  for (const char* command : commands) {
    const auto source = open("f", piped(command, text_));
    std::string some(100, '\0');
    ASSERT_EQ(some.size(), source->read(some.data(), some.size()));
    source->stop();
    EXPECT_EQ("", failure_of(*source)) << command;
  }
}

}  // namespace
}  // namespace sluice::test
