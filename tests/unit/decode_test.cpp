#include <gtest/gtest.h>
#include <zlib.h>

#include <functional>
#include <ostream>

#include "base/limits.hpp"
#include "decode/bzip2.hpp"
#include "decode/gzip.hpp"
#include "decode/lz4.hpp"
#include "decode/xz.hpp"
#include "decode/zstd.hpp"
#include "support/packed.hpp"

namespace sluice::test {
namespace {

using namespace std::string_literals;

struct Format {
  const char* name;
  const char* command;
  std::function<std::unique_ptr<decode::Decoder>()> decoder;
  bool has_checksum = true;
  bool has_end = true;  ///< legacy lz4 may be cut between two blocks
  friend std::ostream& operator<<(std::ostream& out, const Format& f) { return out << f.name; }
};

std::vector<Format> formats() {
  const auto zstd = [] { return decode::zstd(limits::decode_memory_default); };
  const auto xz = [] { return decode::xz(limits::decode_memory_default, 2); };
  return {
      {"gzip_by_zlib", "gzip -c", decode::gzip_by_zlib},
      {"gzip", "gzip -c", decode::gzip},  // ISA-L where there is one
      {"gzip_stored", "gzip -1 -n -c", decode::gzip},
      {"zstd", "zstd -q -c --check", zstd},
      {"zstd_best", "zstd -q -c -19 --long=27 --check", zstd},
      {"lz4", "lz4 -q -c", decode::lz4},
      {"lz4_blocks", "lz4 -q -c -B4 -BD -BX --content-size", decode::lz4},
      {"lz4_legacy", "lz4 -q -c -l", decode::lz4, false, false},
      {"xz", "xz -c", xz},
      {"xz_blocks", "xz -c --block-size=300 -T2 --check=crc32", xz},
      {"bzip2", "bzip2 -c", decode::bzip2},
      {"bzip2_small", "bzip2 -1 -c", decode::bzip2},
  };
}

/// How the unpacking of some bytes ended.
struct Unpacked {
  std::string text;
  bool is_whole = false;
  std::string defect;
};

/// In pieces of so many bytes of input and output.
Unpacked unpack(decode::Decoder& decoder, std::string_view packed, std::size_t in_bytes,
                std::size_t out_bytes) {
  Unpacked result;
  std::vector<char> out(out_bytes);
  std::size_t at = 0;
  std::string_view waiting;
  try {
    for (;;) {
      if (waiting.empty()) {
        waiting = packed.substr(at, in_bytes);
        at += waiting.size();
      }
      const bool is_last = at == packed.size();
      // What the decoder may not touch is not there.
      const std::string piece(waiting);
      const decode::Step done = decoder.step(piece, out, is_last);
      waiting.remove_prefix(done.taken);
      result.text.append(out.data(), done.made);
      if (done.taken > 0 || done.made > 0) continue;
      if (!waiting.empty()) throw std::logic_error("it does not go on");
      if (is_last) break;
    }
    result.is_whole = decoder.is_complete();
  } catch (const decode::Defect& defect) {
    result.defect = defect.what();
  }
  return result;
}

/// The two bytes behind a header.
std::string gzip_checksum(const std::string& header) {
  const auto crc =
      ::crc32(0, reinterpret_cast<const Bytef*>(header.data()), static_cast<uInt>(header.size()));
  return {static_cast<char>(crc & 0xff), static_cast<char>(crc >> 8 & 0xff)};
}

class Decode : public ::testing::TestWithParam<Format> {
 protected:
  Unpacked run(std::string_view packed, std::size_t in_bytes = 1 << 16,
               std::size_t out_bytes = 1 << 16) const {
    const auto decoder = GetParam().decoder();
    return unpack(*decoder, packed, in_bytes, out_bytes);
  }
  static void expect_whole(const std::string& text, const Unpacked& unpacked) {
    EXPECT_EQ("", unpacked.defect);
    EXPECT_TRUE(unpacked.is_whole);
    EXPECT_EQ(text.size(), unpacked.text.size());
    EXPECT_TRUE(text == unpacked.text);
  }

  std::string text_ = csv_to_pack(500);
  std::string packed_ = piped(GetParam().command, text_);
};

TEST_P(Decode, AnySplitOfInputAndOutputMakesTheSame) {
  for (const std::size_t in : {1, 2, 3, 7, 64, 100'000})
    for (const std::size_t out : {1, 2, 5, 64, 100'000}) expect_whole(text_, run(packed_, in, out));
}

TEST_P(Decode, ALongContentComesWhole) {
  const std::string text = csv_to_pack(1'000'000);
  const std::string packed = piped(GetParam().command, text);
  expect_whole(text, run(packed));
  expect_whole(text, run(packed, 4099, 1021));
}

TEST_P(Decode, WhatIsCutAnywhereIsNotWhole) {
  for (std::size_t size = 0; size < packed_.size(); ++size) {
    if (!GetParam().has_end && size == 4) continue;  // a magic number and no block: empty
    for (const std::size_t piece : {std::size_t{1}, packed_.size()}) {
      const Unpacked cut = run(std::string_view(packed_).substr(0, size), piece, 50);
      EXPECT_FALSE(cut.is_whole && size > 0) << size << " of " << packed_.size();
      EXPECT_TRUE(text_.starts_with(cut.text)) << size;
    }
  }
}

TEST_P(Decode, AFlippedBitIsFoundOrMakesNoDifference) {
  if (!GetParam().has_checksum) GTEST_SKIP() << "the format has none";
  for (std::size_t byte = 0; byte < packed_.size(); ++byte) {
    std::string flipped = packed_;
    flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << byte % 8));
    const Unpacked unpacked = run(flipped);
    EXPECT_TRUE(!unpacked.is_whole || unpacked.text == text_) << "byte " << byte;
  }
}

TEST_P(Decode, MembersAndEmptyOnesFollowEachOther) {
  const std::string empty = piped(GetParam().command, "");
  expect_whole("", run(empty));
  expect_whole("", run(empty, 1, 1));
  const std::string packed = packed_ + empty + packed_ + empty;
  expect_whole(text_ + text_, run(packed));
  expect_whole(text_ + text_, run(packed, 1, 1));
  expect_whole(text_ + text_, run(packed, 13, 100'000));
}

TEST_P(Decode, TenThousandMembersAreOne) {
  const std::string one = piped(GetParam().command, "7,x\n");
  std::string packed;
  std::string text;
  for (int i = 0; i < 10'000; ++i) {
    packed += one;
    text += "7,x\n";
  }
  expect_whole(text, run(packed));
}

TEST_P(Decode, ZerosBehindTheEndArePaddingAndOtherBytesAreNot) {
  if (!GetParam().has_end) GTEST_SKIP() << "a block follows, for all that one can know";
  expect_whole(text_, run(packed_ + std::string(1024, '\0')));
  expect_whole(text_, run(packed_ + std::string(1024, '\0'), 1, 7));
  using namespace std::string_view_literals;
  const std::string zeros(512, '\0');
  const std::string garbage_behind_zeros = zeros + "x";
  for (const std::string_view garbage :
       {"x"sv, "garbage that is long enough for any header, surely"sv, "\xff\xff\xff\xff"sv,
        std::string_view(garbage_behind_zeros)}) {
    const Unpacked unpacked = run(packed_ + std::string(garbage));
    EXPECT_FALSE(unpacked.is_whole) << garbage;
    EXPECT_TRUE(text_.starts_with(unpacked.text));
  }
}

/// A size of zero, which no block has; behind the last block, which is short, a part of one.
TEST(DecodeLz4, ZerosBehindLegacyBlocksArePadding) {
  const std::string text = csv_to_pack(500);
  const std::string packed = piped("lz4 -q -c -l", text);
  for (const std::size_t zeros : {1U, 2U, 3U, 4U, 5U, 4096U}) {
    for (const std::size_t at_once : {1U, 4096U}) {
      SCOPED_TRACE(zeros);
      const auto decoder = decode::lz4();
      const Unpacked padded = unpack(*decoder, packed + std::string(zeros, '\0'), at_once, 7);
      EXPECT_EQ("", padded.defect);
      EXPECT_TRUE(padded.is_whole);
      EXPECT_TRUE(text == padded.text);
      const auto other = decode::lz4();
      EXPECT_FALSE(unpack(*other, packed + std::string(zeros, '\0') + "x", at_once, 7).is_whole);
    }
  }
  const auto between = decode::lz4();
  const std::string full(8 * limits::MiB, 'a');
  const std::string cut = piped("lz4 -q -c -l", full) + std::string(2, '\0');
  EXPECT_FALSE(unpack(*between, cut, 1 << 16, 1 << 16).is_whole) << "a size may have been cut";
}

INSTANTIATE_TEST_SUITE_P(Formats, Decode, ::testing::ValuesIn(formats()),
                         [](const auto& test) { return std::string(test.param.name); });

/// With all that a header may have, in any pieces.
TEST(DecodeGzip, AnyHeaderIsRead) {
  using namespace std::string_view_literals;
  const std::string plain = piped("gzip -n -c", "a\n1\n");
  const std::string body = plain.substr(10);
  const auto header = [](char flags, std::string_view more) {
    return std::string("\x1f\x8b\x08", 3) + flags + std::string(6, '\0') + std::string(more);
  };
  const std::string_view extra = "\x03\0xyz"sv;
  const std::string all = header(31, std::string(extra) + "name"s + "\0"s + "comment\0"s);
  const std::pair<std::string, bool> cases[] = {{header(0, ""), true},
                                                {header(1, ""), true},
                                                {header(4, extra), true},
                                                {header(4, "\0\0"sv), true},
                                                {header(8, "n\0"sv), true},
                                                {header(16, "\0"sv), true},
                                                {header(28, std::string(extra) + "n\0c\0"s), true},
                                                {all + gzip_checksum(all), true},
                                                {all + "xx", false},
                                                {header(32, ""), false},
                                                {header(64, ""), false}};
  for (const auto& [front, is_good] : cases) {
    for (const std::size_t piece : {1, 3, 1000}) {
      for (const auto& make : {decode::gzip, decode::gzip_by_zlib}) {
        const auto decoder = make();
        const Unpacked unpacked = unpack(*decoder, front + body, piece, 100);
        EXPECT_EQ(is_good, unpacked.is_whole) << static_cast<int>(front[3]) << " in " << piece;
        EXPECT_EQ(is_good ? "a\n1\n" : "", unpacked.text);
      }
    }
  }
}

TEST(DecodeMemory, ALargeWindowIsRefusedByItsSize) {
  // Larger than the window, which else would be as large as the content.
  const std::string text = csv_to_pack(3'000'000);
  const std::string packed = piped("zstd -q -c --check --long=27 -19 --no-content-size", text);
  const auto small = decode::zstd(1 * limits::MiB);
  EXPECT_EQ("it takes 128 MiB of memory to unpack, and 1 MiB are allowed",
            unpack(*small, packed, 1, 100).defect);
  const auto large = decode::zstd(128 * limits::MiB);
  EXPECT_TRUE(unpack(*large, packed, 100'000, 100'000).is_whole);
  const std::string single = piped("zstd -q -c --check --single-thread", text.substr(0, 2'000'000));
  const auto less = decode::zstd(1 * limits::MiB);
  EXPECT_FALSE(unpack(*less, single, 100'000, 100'000).defect.empty());
}

TEST(DecodeMemory, OfXzIsRefusedByItsSize) {
  const std::string packed = piped("xz -9 -c", csv_to_pack(100'000));
  const auto small = decode::xz(10 * limits::MiB, 1);
  const std::string defect = unpack(*small, packed, 1000, 1000).defect;
  EXPECT_TRUE(defect.starts_with("it takes 7")) << "65 MiB, or a little more: " << defect;
  EXPECT_TRUE(defect.ends_with(" MiB of memory to unpack, and 10 MiB are allowed")) << defect;
  const auto large = decode::xz(70 * limits::MiB, 4);
  EXPECT_TRUE(unpack(*large, packed, 1000, 1000).is_whole);
}

}  // namespace
}  // namespace sluice::test
