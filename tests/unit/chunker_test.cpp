#include "chunk/chunker.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "unit/chunked.hpp"

namespace sluice::test {
namespace {

using Fields = std::vector<std::string>;

TEST(Chunker, KeepsQuotedNewlineInOneChunk) {
  std::size_t chunks = 0;
  const auto records = records_of("a,\"b\nc\nd\"\ne,f\n", {.chunk_bytes = 4}, &chunks);
  ASSERT_EQ(2U, records.size());
  EXPECT_EQ(2U, chunks);
  EXPECT_EQ((Fields{"a", "b\nc\nd"}), records[0].fields);
  EXPECT_EQ(4U, records[1].position.line);
  EXPECT_EQ(2U, records[1].position.record);
  EXPECT_EQ(10U, records[1].position.byte_offset);
}

TEST(Chunker, PositionsCountTheMarkTheSkippedLinesAndTheHeader) {
  const auto records = records_of("\xef\xbb\xbf# comment\n# \"more\nid,\"na\nme\"\n1,x\n2,y\n",
                                  {.has_header = true, .skip_lines = 2, .chunk_bytes = 1});
  ASSERT_EQ(2U, records.size());
  EXPECT_EQ(5U, records[0].position.line);
  EXPECT_EQ(1U, records[0].position.record);
  EXPECT_EQ(32U, records[0].position.byte_offset);
  EXPECT_EQ(6U, records[1].position.line);
}

TEST(Chunker, ReadsTheHeader) {
  MemorySource source("a,\"b,\"\"c\"\r\n1,2\r\n");
  const chunk::Preamble preamble =
      chunk::read_preamble(source, {.has_header = true, .bytes_max = 1000});
  EXPECT_EQ((Fields{"a", "b,\"c"}), preamble.header);
  EXPECT_EQ("a,\"b,\"\"c\"", preamble.header_bytes);
  EXPECT_EQ(csv::LineEnd::crlf, preamble.line_end);
}

/// A text that does not end.
class EndlessSource final : public source::Source {
 public:
  EndlessSource(std::string begin, char rest) : begin_(std::move(begin)), rest_(rest) {}
  std::size_t read(char* into, std::size_t size) override {
    const std::size_t first = begin_.copy(into, size, std::min(at_, begin_.size()));
    std::fill(into + first, into + size, rest_);
    at_ += size;
    return size;
  }
  bool comes_once() const override { return true; }
  bool rewind() override { return false; }
  bool seek(std::uint64_t) override { return false; }
  std::optional<std::uint64_t> length() const override { return std::nullopt; }
  std::string stamp() const override { return {}; }
  std::string tail(std::size_t) const override { return {}; }
  const std::string& name() const override { return name_; }
  std::string identity() const override { return name_; }
  std::size_t bytes_read() const { return at_; }

 private:
  std::string begin_;
  char rest_;
  std::string name_ = "endless.csv";
  std::size_t at_ = 0;
};

/// What never ends is said to be too long, where it begins, and is not read to its end.
TEST(Chunker, HeaderThatNeverEndsIsTooLong) {
  struct Case {
    std::string begin;
    char rest;
    chunk::PreambleOptions options;
    std::string message;
  };
  const std::string open = "; a quote in it is still open (see --max-record-bytes, --quote)";
  csv::Dialect comments;
  comments.comment = "#";
  const Case cases[] = {
      {"", 'x', {}, ":1: the header that begins here is larger than 1 MiB (see"},
      {"\"", 'x', {}, ":1: the header that begins here is larger than 1 MiB" + open},
      {"a,\"b\n1,2\n", '\n', {}, ":1: the header that begins here is larger than 1 MiB" + open},
      {"a,\"b\r\n", '\r', {}, ":1: the header that begins here is larger than 1 MiB" + open},
      {"a,b\n1,2\n", '\n', {.newline = csv::Newline::cr}, ":1: the header that begins here is"},
      {"a,b\n1,2\n", '\n', {.newline = csv::Newline::crlf}, ":1: header: unquoted "},
      {"a,b", ',', {}, ":1: the header has more than 100,000 names (see --delimiter, --header)"},
      {"one\ntwo\n\"",
       ',',
       {.skip_lines = 2},
       ":3: the header that begins here, with what is in front of it, is larger than 1 MiB" + open},
      {"one\n", 'x', {.skip_lines = 2}, ":2: the line that begins here, with what is in front of"},
      {"", 'x', {.has_header = false, .skip_lines = 1}, ":1: the line that begins here is larger"},
      {"# one\n#", 'x', {.dialect = comments}, ":2: the comment that begins here, with what is in"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.begin + each.rest);
    EndlessSource source(each.begin, each.rest);
    chunk::PreambleOptions options = each.options;
    options.bytes_max = limits::MiB;
    try {
      chunk::read_preamble(source, options);
      ADD_FAILURE() << "no failure";
    } catch (const Failure& failure) {
      EXPECT_EQ(FailureKind::bad_record, failure.kind());
      EXPECT_NE(std::string::npos, std::string(failure.what()).find("endless.csv" + each.message))
          << failure.what();
    }
    EXPECT_LE(source.bytes_read(), limits::MiB + 1);
  }
}

/// ... and one that ends with the source, in a quote, is one whose quote never closes.
TEST(Chunker, HeaderWhoseQuoteNeverCloses) {
  for (const std::size_t size : {0UL, 10UL, 70'000UL, 900'000UL}) {
    MemorySource source("a,\"b\n" + std::string(size, '\n'));
    try {
      chunk::read_preamble(source, {.has_header = true, .bytes_max = limits::MiB});
      ADD_FAILURE() << "no failure";
    } catch (const Failure& failure) {
      EXPECT_NE(std::string::npos, std::string(failure.what()).find("memory.csv:1: header: "))
          << failure.what();
      EXPECT_NE(std::string::npos, std::string(failure.what()).find("(see --quote, --header)"));
    }
  }
}

TEST(Chunker, LongHeaderIsReadWhole) {
  for (const char* end : {"\n", "\r\n", "\r"}) {
    for (const std::size_t size : {65'533UL, 65'534UL, 65'535UL, 65'536UL, 65'537UL, 300'000UL}) {
      for (const csv::Newline newline : {csv::Newline::automatic, csv::Newline::any}) {
        MemorySource source("\"" + std::string(size, 'x') + "\",b" + end + "1,2" + end);
        const chunk::Preamble preamble = chunk::read_preamble(
            source, {.has_header = true, .bytes_max = limits::MiB, .newline = newline});
        EXPECT_EQ((Fields{std::string(size, 'x'), "b"}), preamble.header);
        EXPECT_EQ(std::string("1,2") + end, preamble.read_ahead);
      }
    }
  }
}

TEST(Chunker, EmptySourceHasNoHeader) {
  MemorySource source("");
  EXPECT_FALSE(chunk::read_preamble(source, {.has_header = true, .bytes_max = 1000}).header);
}

TEST(Chunker, HeaderWithoutLineEnd) {
  MemorySource source("a,b");
  EXPECT_EQ((Fields{"a", "b"}),
            chunk::read_preamble(source, {.has_header = true, .bytes_max = 1000}).header);
}

TEST(Chunker, RefusesFormatsOfOthers) {
  MemorySource source(std::string("PGCOPY\n\xff\r\n\0", 11));
  EXPECT_THROW(chunk::read_preamble(source, {.has_header = true, .bytes_max = 1000}), Failure);
}

TEST(Chunker, RecordLargerThanAChunkGrowsTheBuffer) {
  const std::string large(10000, 'x');
  const auto records =
      records_of("a\n\"" + large + "\n\"\nb\n", {.chunk_bytes = 16, .record_bytes_max = 20000});
  ASSERT_EQ(3U, records.size());
  EXPECT_EQ(large + "\n", records[1].fields.at(0));
  EXPECT_EQ(4U, records[2].position.line);
}

TEST(Chunker, FirstChunksAreSmaller) {
  constexpr std::size_t MiB = 1 << 20;
  EXPECT_EQ(MiB, chunk::bytes_of_chunk(0, 8 * MiB));
  EXPECT_EQ(2 * MiB, chunk::bytes_of_chunk(1, 8 * MiB));
  EXPECT_EQ(8 * MiB, chunk::bytes_of_chunk(3, 8 * MiB));
  EXPECT_EQ(MiB, chunk::bytes_of_chunk(0, 2 * MiB));
  EXPECT_EQ(2 * MiB, chunk::bytes_of_chunk(1, 2 * MiB) * 2);
  EXPECT_EQ(100U, chunk::bytes_of_chunk(0, 100));  // what is small already stays as it is
  std::string text;
  while (text.size() < 5 * MiB) text += "some words,and some more of them, to fill a line\n";
  MemorySource source(text);
  chunk::Chunker chunker(source,
                         chunk::read_preamble(source, {.has_header = false, .bytes_max = 1000}),
                         {.chunk_bytes = 8 * MiB, .record_bytes_max = 1000});
  std::vector<std::size_t> mebibytes;
  std::size_t size = 0;
  for (chunk::Chunk chunk; chunker.next(chunk); size += chunk.size)
    mebibytes.push_back((chunk.size + MiB / 2) / MiB);
  EXPECT_EQ((std::vector<std::size_t>{1, 2, 2}), mebibytes);
  EXPECT_EQ(text.size(), size);
}

/// Values that are shorter than their entries in the index must not make a chunk's work unbounded.
TEST(Chunker, ManyShortValuesMakeSmallerChunks) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += i == 500 ? std::string(300, ',') + "\n" : ",,,\n";
  std::size_t chunks = 0;
  const auto records = records_of(text, {.chunk_bytes = 1000}, &chunks);
  EXPECT_EQ(1000U, records.size());
  EXPECT_EQ(1000U / 25 + 1, chunks);  // a tenth of 1000 entries is 25 records; one is larger alone
  EXPECT_EQ(records, records_of(text, {}));
}

TEST(Chunker, RecordLargerThanAllowedNamesItsLine) {
  try {
    records_of("a\nb\n\"" + std::string(5000, 'x') + "\n",
               {.chunk_bytes = 16, .record_bytes_max = 1000});
    FAIL() << "no failure";
  } catch (const Failure& failure) {
    const std::string message = failure.what();
    EXPECT_NE(std::string::npos, message.find("memory.csv:3:")) << message;
    EXPECT_NE(std::string::npos, message.find("--max-record-bytes")) << message;
    EXPECT_NE(std::string::npos, message.find("quote in it is still open")) << message;
  }
}

TEST(Chunker, LimitCutsBehindARecord) {
  for (const std::size_t chunk_bytes : {1UL, 5UL, 100UL}) {
    for (std::uint64_t limit = 0; limit <= 5; ++limit) {
      const auto records =
          records_of("a\nb\n\"c\nd\"\ne", {.chunk_bytes = chunk_bytes, .records_max = limit});
      EXPECT_EQ(std::min<std::uint64_t>(limit, 4), records.size());
    }
  }
}

/// The heart of exactly once: records, values and positions do not depend on the chunk size or on
/// the scanner.
TEST(Chunker, SameRecordsForEveryChunkSize) {
  std::mt19937 random(3);
  const std::string pieces[] = {"a",        ",",      "\"",       "\"\"", "\n",   "\n",
                                "\"x\ny\"", ",\"\",", "\xc3\xa9", "\\.",  "NULL", ""};
  for (int round = 0; round < 60; ++round) {
    std::string text;
    for (int i = 0; i < 60; ++i)
      text += pieces[std::uniform_int_distribution<std::size_t>(0, std::size(pieces) - 1)(random)];
    if (round % 4 == 1) {
      for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
        text.replace(at, 1, "\r\n");
    }
    if (round % 4 == 2) std::ranges::replace(text, '\n', '\r');
    const auto expected = records_of(text, {.form = csv::Scanner::Form::portable});
    for (const std::size_t chunk_bytes : {1UL, 2UL, 3UL, 7UL, 27UL, 64UL, 65UL, 100UL}) {
      EXPECT_EQ(expected, records_of(text, {.chunk_bytes = chunk_bytes}))
          << text << "\nchunks of " << chunk_bytes;
    }
  }
}

}  // namespace
}  // namespace sluice::test
