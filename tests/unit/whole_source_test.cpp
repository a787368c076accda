#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "source/fingerprint.hpp"
#include "source/source.hpp"
#include "support/files.hpp"
#include "support/packed.hpp"

namespace sluice::test {
namespace {

struct Form {
  const char* name;
  const char* command;        ///< that makes it of the text in UTF-8
  const char* encoding = "";  ///< that is said
  bool has_mark = false;
};

constexpr Form forms[] = {
    {"gz", "gzip -c"},
    {"zst", "zstd -q -c"},
    {"lz4", "lz4 -q -c"},
    {"xz", "xz -c"},
    {"bz2", "bzip2 -c"},
    {"zip", "cat > b.csv && zip -q a.zip b.csv && cat a.zip"},
    {"tar", "cat > b.csv && tar -c b.csv"},
    {"tgz", "cat > b.csv && tar -cz b.csv"},
    {"utf16", "iconv -f UTF-8 -t UTF-16LE", "UTF-16LE"},
    {"utf16_mark", "(printf \"\\377\\376\"; iconv -f UTF-8 -t UTF-16LE)", "", true},
    {"utf32", "iconv -f UTF-8 -t UTF-32BE", "UTF-32BE"},
    {"gb18030", "iconv -f UTF-8 -t GB18030", "GB18030"},
    {"gb18030_gz", "iconv -f UTF-8 -t GB18030 | gzip -c", "GB18030"},
};

std::string read_all(source::Source& source) {
  std::string all(2 * limits::first_chunk_bytes, '\0');
  all.resize(source.read(all.data(), all.size()));
  return all;
}

class Whole : public ::testing::TestWithParam<Form> {
 protected:
  std::unique_ptr<source::Source> open(const std::string& text,
                                       const source::UnpackOptions& options = {}) const {
    const std::string path = folder_.write("f", piped(GetParam().command, text));
    return source::open(path, options, encoding());
  }
  static std::optional<source::Encoding> encoding() {
    const std::string name = GetParam().encoding;
    return name.empty() ? std::nullopt : source::encoding_named(name);
  }

  TemporaryFolder folder_;
};

TEST_P(Whole, IsKnownAsThePlainFileIs) {
  for (const std::string& text : {csv_to_pack(20'000), std::string("id,name\n1,\"\xc3\xa9\"\n"),
                                  std::string("id,name\n1,no end")}) {
    const auto source = open(text);
    ASSERT_EQ(text.size(), source->length());
    const auto plain = source::open(folder_.write("plain", text));
    EXPECT_EQ(source::fingerprint(*plain, text.substr(0, limits::fingerprint_bytes)),
              source::fingerprint(*source, text.substr(0, limits::fingerprint_bytes)));
    EXPECT_EQ(text, read_all(*source));
    EXPECT_EQ(0U, source->read(std::string(9, ' ').data(), 9));
    ASSERT_TRUE(source->seek(3));
    EXPECT_EQ(text.substr(3), read_all(*source));
    EXPECT_FALSE(source->seek(text.size() + 1));
    EXPECT_EQ(text.substr(text.size() - 5), source->tail(5));
    EXPECT_EQ(text, source->tail(text.size() + 5));
    EXPECT_TRUE(source->file());
    EXPECT_NE("", source->stamp());
  }
}

/// Where a text in another encoding stands in the file, at each of its characters.
TEST_P(Whole, KnowsWhereItsBytesCameFrom) {
  if (!encoding() && !GetParam().has_mark) GTEST_SKIP() << "is UTF-8";
  const std::string text = "id,name\n1,\xc3\xa9\xe2\x82\xac\n2,\xf0\x9f\x98\x80,x\n";
  const auto source = open(text);
  ASSERT_TRUE(source->length());
  for (std::size_t at = 0; at <= text.size(); ++at) {
    const bool is_within =
        at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
    if (is_within) continue;
    ASSERT_TRUE(source->seek(at));
    std::string command = GetParam().command;
    command = command.substr(0, command.find(" |"));
    EXPECT_EQ(piped(command, text.substr(0, at)).size(), source->origin()) << at;
  }
}

TEST_P(Whole, IsNotWhatIsLongOrCannotBeReadToItsEnd) {
  EXPECT_FALSE(open(std::string(limits::first_chunk_bytes + 1, 'a'))->length());
  if (GetParam().name == std::string("tar")) return;  // has its blocks besides
  const bool is_longer_there = GetParam().encoding[0] == 'U' || GetParam().has_mark;
  EXPECT_EQ(
      is_longer_there ? std::nullopt : std::optional<std::uint64_t>(limits::first_chunk_bytes),
      open(std::string(limits::first_chunk_bytes, 'a'))->length());
  const bool is_unpacked = !GetParam().encoding[0] && !GetParam().has_mark;
  if (is_unpacked) {
    EXPECT_FALSE(open(csv_to_pack(9000), {.bytes_max = 4000})->length());
    const std::string cut = piped(GetParam().command, csv_to_pack(9000));
    const std::string path = folder_.write("f", cut.substr(0, cut.size() / 2));
    EXPECT_FALSE(source::open(path)->length());
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, Whole, ::testing::ValuesIn(forms),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace sluice::test
