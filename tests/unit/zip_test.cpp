#include <gmock/gmock.h>

#include <cstdint>
#include <random>

#include "base/failure.hpp"
#include "source/packing.hpp"
#include "source/source.hpp"
#include "support/files.hpp"
#include "support/packed.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* first = "a\n1\n";
constexpr const char* second = "a\n22\n";

/// Zips, in which what the directory says is held against what is there.
class Zip : public ::testing::Test {
 protected:
  /// What a program in Python writes: `z` is its zip, and `zipfile` and `made` (where it goes) are
  /// there.
  std::string python(const std::string& program, const std::string& opened = "(made, 'w')") const {
    folder_.write("zip.py",
                  "import io, sys, zipfile\n"
                  "class Pipe(io.RawIOBase):\n"
                  "    def __init__(self): self.all = b''\n"
                  "    def writable(self): return True\n"
                  "    def write(self, some): self.all += bytes(some); return len(some)\n"
                  "    def getvalue(self): return self.all\n"
                  "made = io.BytesIO()\n"
                  "pipe = Pipe()\n"
                  "with zipfile.ZipFile" +
                      opened + " as z:\n" + program +
                      "\nsys.stdout.buffer.write(pipe.getvalue() or made.getvalue())\n");
    return piped("python3 " + (folder_ / "zip.py"), "");
  }
  std::string two() const {
    return python("    z.writestr('b.csv', 'a\\n1\\n'); z.writestr('c.csv', 'a\\n22\\n')");
  }
  static std::string shell(const std::string& commands) {
    return piped(
        "echo a > b.csv && echo 1 >> b.csv && echo a > c.csv && echo 22 >> c.csv && cat > in && " +
            commands,
        "");
  }

  std::string text_of(const std::string& bytes, const source::UnpackOptions& options) const {
    const auto source = source::open(folder_.write("a.archive", bytes), options);
    std::string text(10'000, '\0');
    text.resize(source->read(text.data(), text.size()));
    return text;
  }
  std::string failure_of(const std::string& bytes,
                         const source::UnpackOptions& options = {.members = {"b.csv"}}) const {
    try {
      text_of(bytes, options);
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "";
  }

  TemporaryFolder folder_;
};

std::string number(std::uint64_t value, std::size_t bytes) {
  std::string text;
  for (; bytes > 0; --bytes, value >>= 8U) text += static_cast<char>(value & 0xffU);
  return text;
}

std::uint64_t number_at(const std::string& bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = count; i > 0; --i)
    value = value << 8U | static_cast<unsigned char>(bytes[at + i - 1]);
  return value;
}

/// As if the last zip's end told of all that is in front of it.
std::string with_directory_moved(std::string zip, std::uint64_t by) {
  const std::size_t end = zip.rfind("PK\5\6");
  zip.replace(end + 16, 4, number(number_at(zip, end + 16, 4) + by, 4));
  return zip;
}

TEST_F(Zip, OfAnyWriterIsRead) {
  const std::string both = "    z.writestr('b.csv', 'a\\n1\\n'); z.writestr('c.csv', 'a\\n22\\n')";
  const std::string streamed =
      "    for name, text in (('b.csv', b'a\\n1\\n'), ('c.csv', b'a\\n22\\n')):\n"
      "        with z.open(name, 'w', force_zip64=True) as f: f.write(text)";
  const std::string zips[] = {
      two(),
      python(both, "(made, 'w', zipfile.ZIP_DEFLATED)"),
      python(both, "(made, 'w', zipfile.ZIP_BZIP2)"),
      python(both, "(made, 'w', zipfile.ZIP_LZMA)"),
      python(both, "(pipe, 'w', zipfile.ZIP_DEFLATED)"),
      python(both + "; z.comment = b'x' * 9000"),
      python("    z.mkdir('d')\n" + both),
      python(streamed),
      python(streamed, "(pipe, 'w', zipfile.ZIP_DEFLATED)"),
      // Aligned, as by zipalign: less than a field's head is behind the name.
      python("    i = zipfile.ZipInfo('b.csv'); i.extra = b'\\0\\0\\0'; z.writestr(i, 'a\\n1\\n')\n"
             "    z.writestr('c.csv', 'a\\n22\\n')"),
      shell("zip -q a.zip b.csv c.csv && cat a.zip"),
      shell("zip -q -0 a.zip b.csv c.csv && cat a.zip"),
      shell("zip -q - b.csv c.csv | cat"),
      shell("zip -q -fz a.zip b.csv c.csv && cat a.zip"),
      shell("zip -q -fd a.zip b.csv c.csv && cat a.zip"),
      shell("zip -q a.zip b.csv c.csv in && zip -q -d a.zip in && cat a.zip"),
      shell("zip -q a.zip c.csv && zip -q -g a.zip b.csv && cat a.zip"),
      shell("zip -q a.zip b.csv c.csv && echo hello | zip -q -z a.zip && cat a.zip"),
  };
  for (const std::string& zip : zips) {
    SCOPED_TRACE(&zip - zips);
    EXPECT_EQ(first, text_of(zip, {.members = {"b.csv"}}));
    EXPECT_EQ(second, text_of(zip, {.members = {"c.csv"}}));
  }
}

TEST_F(Zip, OfWhichAPartWouldBeLeftOutIsRefused) {
  const std::string zip = two();
  const std::string other = python("    z.writestr('d.csv', 'a\\n3\\n')");
  EXPECT_THAT(failure_of(zip + other, {}),
              AllOf(HasSubstr("is damaged"), HasSubstr("another zip or a program")));
  EXPECT_THAT(failure_of(zip + with_directory_moved(other, zip.size()), {}),
              HasSubstr("is damaged"));
  EXPECT_THAT(failure_of(zip + "x"), HasSubstr("1 byte follow its end"));
  EXPECT_THAT(failure_of(zip + std::string(70'000, ' ')), HasSubstr("is not at its end"));
  EXPECT_THAT(failure_of(python("    z.writestr('b.csv', 'a\\n1\\n'); z.writestr('c.csv', 'x')\n"
                                "    del z.filelist[1]")),
              HasSubstr("behind b.csv are of no file that its directory has"));
  EXPECT_THAT(failure_of(python("    z.writestr('c.csv', 'x'); z.writestr('b.csv', 'a\\n1\\n')\n"
                                "    del z.filelist[0]")),
              HasSubstr("stand in front of its first file"));
}

TEST_F(Zip, WhoseDirectoryContradictsAMemberIsRefused) {
  for (const char* lie : {"CRC += 1", "file_size += 1", "compress_size -= 1", "compress_type = 8",
                          "flag_bits = 1", "filename = 'b.cs_'", "header_offset += 1"}) {
    SCOPED_TRACE(lie);
    const std::string lied =
        python(std::string("    z.writestr('b.csv', 'a\\n1\\n'); z.writestr('c.csv', 'a\\n22\\n')\n"
                           "    z.filelist[0].") +
               lie);
    EXPECT_THAT(failure_of(lied, {.members = {"b.cs?", "c.csv"}}), HasSubstr("is damaged: zip: "));
    EXPECT_THAT(failure_of(lied, {.member = "c.csv"}), HasSubstr("is damaged: zip: "))
        << "whichever of its members is read";
  }
}

/// A program that unpacks itself, whatever its name is.
TEST_F(Zip, BehindSomethingElseIsNoText) {
  EXPECT_THAT(failure_of("#!/bin/sh\nexec unzip $0\n" + two(), {}),
              HasSubstr("is a zip behind something else"));
  EXPECT_THAT(failure_of("a,b\n1,2\n" + two(), {}), HasSubstr("is a zip behind something else"));
}

/// Whatever is cut or flipped: all that was in it, or an error.
TEST_F(Zip, IsWholeOrRefusedAtEveryByte) {
  const std::string zips[] = {
      two(), shell("zip -q - b.csv c.csv | cat"),
      shell("zip -q -fz a.zip b.csv c.csv && cat a.zip"),
      python("    z.writestr('b.csv', 'a\\n1\\n'); z.writestr('c.csv', 'a\\n22\\n')",
             "(pipe, 'w', zipfile.ZIP_LZMA)")};
  const auto require = [this](const std::string& bytes, std::size_t at) {
    if (source::packing_of(bytes) == source::Packing::none) return;
    try {
      const auto members =
          source::members_of(folder_.write("b.archive", bytes), {.members = {"*"}});
      EXPECT_THAT(members->meant, ElementsAre("b.csv", "c.csv")) << at;
      EXPECT_EQ(first, text_of(bytes, {.member = "b.csv"})) << at;
      EXPECT_EQ(second, text_of(bytes, {.member = "c.csv"})) << at;
    } catch (const Failure&) {
    }
  };
  for (const std::string& zip : zips) {
    SCOPED_TRACE(&zip - zips);
    for (std::size_t at = 4; at < zip.size(); ++at) {
      EXPECT_NE("", failure_of(zip.substr(0, at))) << at;
      for (const int bit : {0, 5}) {
        std::string flipped = zip;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
        require(flipped, at);
      }
      std::string more = zip;
      require(more.insert(at, 1, 'P'), at);
    }
  }
}

/// The dictionary stands in front of the content, and counts before anything of it is allocated.
TEST_F(Zip, WithADictionaryTakesWhatItSays) {
  const std::string lzma =
      python("    z.writestr('b.csv', 'a\\n1\\n')", "(made, 'w', zipfile.ZIP_LZMA)");
  EXPECT_EQ(first, text_of(lzma, {}));
  EXPECT_THAT(
      failure_of(lzma, {.memory_max = 1 << 20}),
      AllOf(HasSubstr("a.archive!b.csv: zip: it takes "), HasSubstr("(see --decode-memory)")));
  std::string huge = lzma;
  // Behind 30 bytes, the name, and 4 of version and size: the byte of modes, and the dictionary.
  huge.replace(30 + 5 + 4 + 1, 4, "\xff\xff\xff\xff");
  EXPECT_THAT(failure_of(huge, {}), HasSubstr("zip: it takes 4"));
}

/// One member, of a method that no program writes here.
std::string zip_of(const std::string& content, std::uint16_t method, const std::string& text,
                   std::uint32_t checksum) {
  const std::string same = number(0, 2) + number(method, 2) + number(0, 4) + number(checksum, 4) +
                           number(content.size(), 4) + number(text.size(), 4) + number(5, 2) +
                           number(0, 2);
  const std::string member = "PK\3\4" + number(63, 2) + same + "b.csv" + content;
  const std::string entry =
      "PK\1\2" + number(63, 2) + number(63, 2) + same + number(0, 14) + "b.csv";
  return member + entry + "PK\5\6" + number(0, 4) + number(1, 2) + number(1, 2) +
         number(entry.size(), 4) + number(member.size(), 4) + number(0, 2);
}

TEST_F(Zip, OfXzOrPpmdTakesWhatItSays) {
  constexpr std::uint32_t checksum = 0;  // nothing is unpacked
  const std::string text = first;
  const auto xz = [&text](const std::string& how) { return piped("xz -c " + how, text); };
  EXPECT_THAT(failure_of(zip_of(xz("--lzma2=dict=1MiB"), 95, text, checksum),
                         {.memory_max = (1 << 20) - 1}),
              HasSubstr("it takes 1"));
  EXPECT_THAT(
      failure_of(zip_of(xz("--lzma2=dict=1MiB"), 95, text, checksum), {.memory_max = 1 << 20}),
      Not(HasSubstr("it takes")));
  EXPECT_THAT(failure_of(zip_of(xz("--lzma2=dict=1GiB"), 95, text, checksum), {}),
              HasSubstr("it takes 1"));
  // Of several blocks the one with the largest dictionary counts, wherever it stands, whatever the
  // index says.
  for (const char* check : {"none", "crc32", "crc64", "sha256"}) {
    const std::string with = std::string(" --check=") + check;
    const std::string blocks = xz("--lzma2=dict=1MiB --block-size=3" + with);
    EXPECT_THAT(failure_of(zip_of(blocks, 95, text, checksum), {.memory_max = (1 << 20) - 1}),
                HasSubstr("it takes 1"));
    EXPECT_THAT(failure_of(zip_of(blocks, 95, text, checksum), {.memory_max = 1 << 20}),
                Not(HasSubstr("it takes")));
    // A block of that behind the first, and its index.
    const std::string small = xz("--lzma2=dict=4KiB" + with);
    const std::string large = xz("--lzma2=dict=1GiB" + with);
    const std::size_t index = small.size() - 12 - 8;
    const std::string two = small.substr(0, index) + large.substr(12);
    EXPECT_THAT(failure_of(zip_of(two, 95, text, checksum), {}), HasSubstr("it takes 1")) << check;
  }
  // Of several chunks: some packed, some as they are.
  std::string noise;
  std::mt19937 random(5);
  for (int i = 0; i < 300'000; ++i)
    noise += i % 100'000 < 50'000 ? static_cast<char>(random()) : 'a';
  for (const char* how : {"--lzma2=dict=1MiB", "--lzma2=dict=1MiB --block-size=100000",
                          "--x86 --lzma2=dict=1MiB --block-size=70001"}) {
    const std::string packed = piped(std::string("xz -c ") + how, noise);
    EXPECT_THAT(failure_of(zip_of(packed, 95, noise, checksum), {.memory_max = 1 << 20}),
                Not(HasSubstr("it takes")))
        << how;
    EXPECT_THAT(failure_of(zip_of(packed, 95, noise, checksum), {.memory_max = 1000}),
                HasSubstr("it takes 1"))
        << how;
  }
  EXPECT_THAT(failure_of(zip_of("xx", 95, text, checksum), {}), HasSubstr("it takes 4"));
  // Order 8, 200 MiB.
  EXPECT_THAT(failure_of(zip_of(number(7 | 199 << 4, 2) + "xx", 98, text, checksum),
                         {.memory_max = 199 << 20}),
              HasSubstr("it takes 2"));
  EXPECT_THAT(failure_of(zip_of(number(7 | 199 << 4, 2) + "xx", 98, text, checksum),
                         {.memory_max = 200 << 20}),
              Not(HasSubstr("it takes")));
}

}  // namespace
}  // namespace sluice::test
