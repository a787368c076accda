#include "chunk/chunker.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/failure.hpp"
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
