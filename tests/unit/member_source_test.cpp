#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <locale.h>

#include "base/failure.hpp"
#include "source/packing.hpp"
#include "source/source.hpp"
#include "support/files.hpp"
#include "support/packed.hpp"

namespace sluice::test {
namespace {

using source::Packing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct File {
  std::string name;
  std::string text;
};

struct Kind {
  const char* name;
  int format;
};
constexpr Kind zip{"zip", ARCHIVE_FORMAT_ZIP};
constexpr Kind tar{"tar", ARCHIVE_FORMAT_TAR_USTAR};
constexpr Kind pax{"pax", ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE};
constexpr Kind gnutar{"gnutar", ARCHIVE_FORMAT_TAR_GNUTAR};
constexpr Kind seven_zip{"7z", ARCHIVE_FORMAT_7ZIP};
constexpr Kind kinds[] = {zip, tar, pax, gnutar, seven_zip};

/// As any archiver makes it. A name that ends in "/" is a folder's.
std::string archive_of(const Kind& kind, const std::vector<File>& files) {
  // The writer converts names from the thread's locale.
  const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  const locale_t before = ::uselocale(utf8);
  std::string bytes(4 << 20, '\0');
  std::size_t used = 0;
  archive* const a = archive_write_new();
  archive_write_set_format(a, kind.format);
  archive_write_set_bytes_in_last_block(a, 1);
  archive_write_open_memory(a, bytes.data(), bytes.size(), &used);
  for (const File& file : files) {
    archive_entry* const entry = archive_entry_new();
    const bool is_folder = file.name.ends_with('/');
    archive_entry_set_pathname(entry, file.name.c_str());
    archive_entry_set_filetype(entry, is_folder ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(file.text.size()));
    EXPECT_EQ(ARCHIVE_OK, archive_write_header(a, entry)) << archive_error_string(a);
    archive_write_data(a, file.text.data(), file.text.size());
    archive_entry_free(entry);
  }
  archive_write_close(a);
  archive_write_free(a);
  ::uselocale(before);
  ::freelocale(utf8);
  bytes.resize(used);
  return bytes;
}

class MemberOf : public ::testing::Test {
 protected:
  std::unique_ptr<source::Source> open(const std::string& bytes,
                                       const source::UnpackOptions& options = {}) const {
    return source::open(folder_.write("a.archive", bytes), options);
  }
  static std::string read_all(source::Source& source) {
    std::string all;
    std::string some(10'000, '\0');
    for (;;) {
      const std::size_t got = source.read(some.data(), some.size());
      all.append(some, 0, got);
      if (got < some.size()) return all;
    }
  }
  std::string text_of(const std::string& bytes, const source::UnpackOptions& options = {}) const {
    return read_all(*open(bytes, options));
  }
  std::string failure_of(const std::string& bytes,
                         const source::UnpackOptions& options = {}) const {
    try {
      text_of(bytes, options);
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "";
  }

  TemporaryFolder folder_;
  std::string text_ = csv_to_pack(200'000);
};

TEST_F(MemberOf, AnyArchiveIsRead) {
  for (const Kind& kind : kinds) {
    SCOPED_TRACE(kind.name);
    const std::string bytes = archive_of(kind, {{"dir/", ""}, {"dir/b.csv", text_}});
    const auto source = open(bytes);
    EXPECT_TRUE(text_ == read_all(*source));
    EXPECT_EQ(folder_ / "a.archive!dir/b.csv", source->name());
    EXPECT_TRUE(source->identity().ends_with("/a.archive!dir/b.csv"));
    ASSERT_TRUE(source->seek(100'000));
    EXPECT_TRUE(text_.substr(100'000) == read_all(*source));
    ASSERT_TRUE(source->rewind());
    EXPECT_TRUE(text_ == read_all(*source));
    EXPECT_TRUE(source->file());
  }
}

TEST_F(MemberOf, ATarIsReadBehindAnyPacking) {
  const std::string bytes = archive_of(gnutar, {{"b.csv", text_}});
  for (const char* command : {"gzip -c", "xz -0 -c", "zstd -q -c", "bzip2 -c", "lz4 -q -c"}) {
    SCOPED_TRACE(command);
    const std::string packed = piped(command, bytes);
    EXPECT_TRUE(text_ == text_of(packed));
    EXPECT_THAT(failure_of(packed.substr(0, packed.size() - 5)), HasSubstr("ends too early"));
  }
  EXPECT_TRUE(text_ == text_of(archive_of(zip, {{"b.csv.gz", piped("gzip -c", text_)}})));
  EXPECT_THAT(failure_of(piped("gzip -c", archive_of(tar, {{"b.gz", piped("gzip -c", text_)}}))),
              HasSubstr("is packed more than twice"));
}

TEST_F(MemberOf, OneFileIsMeantAndOthersAreListed) {
  for (const Kind& kind : kinds) {
    SCOPED_TRACE(kind.name);
    EXPECT_EQ("a\n1\n", text_of(archive_of(kind, {{"__MACOSX/", ""},
                                                  {"__MACOSX/._b.csv", "x"},
                                                  {"d/", ""},
                                                  {"d/.DS_Store", "x"},
                                                  {"d/b.csv", "a\n1\n"}})));
    const std::string two = archive_of(kind, {{"b.csv", "a\n1\n"}, {"c.txt", "a\n2\n"}});
    EXPECT_THAT(failure_of(two), AllOf(HasSubstr("has 2 files; say which ones: --member"),
                                       HasSubstr("\n  b.csv\n  c.txt")));
    EXPECT_EQ("a\n2\n", text_of(two, {.members = {"*.txt"}}));
    EXPECT_EQ("a\n1\n", text_of(two, {.members = {"*"}, .member = "b.csv"}));
    EXPECT_THAT(failure_of(two, {.members = {"*.dat"}}),
                HasSubstr("matches --member; there are:\n  b.csv\n  c.txt"));
    // A name stands in one line.
    EXPECT_THAT(failure_of(archive_of(kind, {{"b\nc\x1b.csv", "a\n1\n"}, {"d.csv", "a\n2\n"}})),
                HasSubstr("\n  b\\nc\\x1b.csv\n  d.csv"));
    EXPECT_THAT(failure_of(archive_of(kind, {{"d/", ""}})), HasSubstr("there is no file in this"));
  }
}

/// The header tells what the dictionaries take, before any of it is allocated.
TEST_F(MemberOf, A7zTakesNoMoreMemoryThanIsAllowed) {
  const std::string bytes = archive_of(seven_zip, {{"b.csv", text_}});
  std::uint64_t least = 0;
  for (std::uint64_t allowed = 1 << 30; allowed > 0; allowed /= 2) {
    const std::string failure = failure_of(bytes, {.memory_max = allowed});
    if (failure.empty()) {
      least = allowed;
      continue;
    }
    EXPECT_THAT(failure, AllOf(HasSubstr("7z: it takes "), HasSubstr("(see --decode-memory)")));
  }
  EXPECT_GT(least, 1U << 16U);
  EXPECT_LE(least, 64U << 20U);
}

/// Whatever a header says: what is allowed is kept to, and it ends.
TEST_F(MemberOf, ADamaged7zHeaderTakesNoMoreMemoryEither) {
  const std::string bytes = archive_of(seven_zip, {{"b.csv", "a\n1\n"}, {"c.csv", "a\n2\n"}});
  for (std::size_t at = 6; at < bytes.size(); ++at) {
    for (const char c : {'\0', '\x7f', '\xff'}) {
      std::string other = bytes;
      other[at] = c;
      const std::string failure = failure_of(other, {.memory_max = 1 << 26, .members = {"b.csv"}});
      if (failure.empty()) {
        EXPECT_EQ("a\n1\n", text_of(other, {.memory_max = 1 << 26, .members = {"b.csv"}})) << at;
      }
    }
  }
}

TEST_F(MemberOf, ANameIsMeantBeforeAPatternIs) {
  for (const Kind& kind : kinds) {
    SCOPED_TRACE(kind.name);
    const std::string bytes = archive_of(
        kind,
        {{"a1.csv", "a\n1\n"}, {"a[1].csv", "a\n2\n"}, {"b*.csv", "a\n3\n"}, {"bb.csv", "a\n4\n"}});
    EXPECT_EQ("a\n2\n", text_of(bytes, {.members = {"a[1].csv"}}));
    EXPECT_EQ("a\n3\n", text_of(bytes, {.members = {"b*.csv"}}));
    EXPECT_EQ("a\n1\n", text_of(bytes, {.members = {"a[0-1].csv"}}));
    EXPECT_EQ("a\n2\n", text_of(bytes, {.members = {"a\\[1].csv"}}));
    const std::vector<std::string> both{"a[1].csv", "b?.csv"};
    const std::string path = folder_.write("b.archive", bytes);
    EXPECT_EQ((std::vector<std::string>{"a[1].csv", "b*.csv", "bb.csv"}),
              source::members_of(path, {.members = both})->meant);
    EXPECT_EQ((std::vector<std::string>{"a1.csv", "a[1].csv"}),
              source::members_of(path, {.members = {"a[1].csv", "a*"}})->meant);
  }
}

TEST_F(MemberOf, AnEmptyArchiveIsNotDamaged) {
  const std::string empty_zip = std::string("PK\5\6") + std::string(18, '\0');
  EXPECT_THAT(failure_of(empty_zip), HasSubstr("there is no file in this zip"));
  const std::string comment =
      std::string("PK\5\6") + std::string(16, '\0') + std::string("\5\0hello", 7);
  EXPECT_THAT(failure_of(comment), HasSubstr("there is no file in this zip"));
  for (std::size_t cut = 4; cut < empty_zip.size(); ++cut)
    EXPECT_THAT(failure_of(empty_zip.substr(0, cut)), Not(HasSubstr("there is no file"))) << cut;
  for (const Kind& kind : {zip, seven_zip})
    EXPECT_THAT(failure_of(archive_of(kind, {})), HasSubstr("there is no file in this"));
}

TEST_F(MemberOf, NamesAreUtf8InAnyLocale) {
  for (const Kind& kind : kinds) {
    SCOPED_TRACE(kind.name);
    const std::string name =
        "Gr\xc3\xb6\xc3\x9f"
        "e \xe2\x82\xac.csv";
    const std::string bytes = archive_of(kind, {{name, "a\n1\n"}});
    EXPECT_EQ(folder_ / "a.archive!" + name, [&] {
      const auto source = open(bytes);
      read_all(*source);
      return source->name();
    }());
  }
}

TEST_F(MemberOf, WhatCannotBeLoadedIsRefusedByName) {
  EXPECT_THAT(
      failure_of(
          piped("mkdir d && cat > d/b.csv && zip -q -r -P secret a.zip d && cat a.zip", "a\n1\n")),
      HasSubstr("!d/b.csv: is encrypted"));
  EXPECT_THAT(failure_of(archive_of(zip, {{"[Content_Types].xml", "x"}, {"xl/workbook.xml", "x"}})),
              HasSubstr("is a spreadsheet (xlsx)"));
  EXPECT_THAT(
      failure_of(archive_of(zip, {{"mimetype", "application/vnd.oasis.opendocument.spreadsheet"},
                                  {"content.xml", "x"},
                                  {"META-INF/manifest.xml", "x"}})),
      HasSubstr("is a spreadsheet (ods)"));
  const std::string linked =
      piped("cat > b.csv && ln b.csv c.csv && tar -cf - b.csv c.csv", "a\n1\n");
  EXPECT_THAT(failure_of(linked, {.member = "c.csv"}), HasSubstr("is a link to another member"));
  const std::string twice =
      piped("cat > b.csv && tar -cf a.tar b.csv && tar -rf a.tar b.csv && cat a.tar", "a\n1\n");
  EXPECT_THAT(failure_of(twice), HasSubstr("is in the archive twice"));
}

/// One behind the other: no archive is left out without a word.
TEST_F(MemberOf, WhatIsBehindAnArchiveIsNotLeftOut) {
  for (const Kind& kind : kinds) {
    SCOPED_TRACE(kind.name);
    const std::string one = archive_of(kind, {{"b.csv", "a\n1\n"}});
    const std::string two = archive_of(kind, {{"c.csv", "a\n2\n"}});
    EXPECT_NE("", failure_of(one + two)) << "a tar goes on with the other's members";
    EXPECT_THAT(failure_of(one + "some other bytes"), HasSubstr("is damaged"));
  }
}

/// Cut or damaged anywhere, it is the whole member or an error.
TEST_F(MemberOf, DamageIsFoundAtEveryByte) {
  const std::string text = csv_to_pack(400);
  for (const Kind& kind : kinds) {
    SCOPED_TRACE(kind.name);
    const std::string bytes = archive_of(kind, {{"b.csv", text}});
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::string cut = bytes.substr(0, size);
      if (source::packing_of(cut) == Packing::none) continue;  // not an archive any more
      // The end mark of a tar is zeros; of enough of them some may be missing.
      constexpr std::size_t end_mark = 1024;
      const bool is_all_there = kind.format != ARCHIVE_FORMAT_ZIP &&
                                kind.format != ARCHIVE_FORMAT_7ZIP &&
                                size + end_mark >= bytes.size() + 400;
      if (is_all_there) continue;
      EXPECT_NE("", failure_of(cut)) << size << " of " << bytes.size();
    }
    // A tar has a sum of its headers alone.
    if (kind.format != ARCHIVE_FORMAT_ZIP && kind.format != ARCHIVE_FORMAT_7ZIP) continue;
    for (std::size_t byte = 0; byte < bytes.size(); ++byte) {
      std::string flipped = bytes;
      flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << (byte % 8)));
      if (source::packing_of(flipped) == Packing::none) continue;
      try {
        EXPECT_EQ(text, text_of(flipped)) << byte;
      } catch (const Failure&) {
      }
    }
  }
}

TEST_F(MemberOf, MembersOfOneArchiveHaveStampsOfTheirOwn) {
  const std::string bytes = archive_of(tar, {{"b.csv", "a\n1\n"}, {"c.csv", "a\n1\n"}});
  const auto b = open(bytes, {.member = "b.csv"});
  const auto c = source::open(folder_ / "a.archive", {.member = "c.csv"});
  const auto again = source::open(folder_ / "a.archive", {.member = "b.csv"});
  for (const auto* each : {&b, &c, &again}) read_all(**each);
  EXPECT_NE(b->stamp(), c->stamp());
  EXPECT_EQ(b->stamp(), again->stamp());
  const auto members = source::members_of(folder_ / "a.archive", {.members = {"*"}});
  EXPECT_THAT(members->meant, ElementsAre("b.csv", "c.csv"));
  EXPECT_THAT(members->lengths, ElementsAre(4U, 4U));
  EXPECT_THAT(members->stamps, ElementsAre(b->stamp(), c->stamp()));
  EXPECT_FALSE(source::members_of(folder_.write("x.csv", "a\n"), {.members = {"*"}}));
}

/// Members of one archive share readers, in whatever order they come and however far each is read.
TEST_F(MemberOf, SharesWhatWasFoundWithOthers) {
  for (const Kind& kind : kinds) {
    SCOPED_TRACE(kind.name);
    std::vector<File> files;
    for (int i = 0; i < 300; ++i)
      files.push_back({"f" + std::to_string(i) + ".csv", "id\n" + std::to_string(i) + "\n"});
    files.push_back({"long.csv", text_});
    std::string bytes = archive_of(kind, files);
    if (kind.format == ARCHIVE_FORMAT_TAR_USTAR) bytes = piped("gzip -c", bytes);
    const std::string path = folder_.write("many.archive", bytes);
    source::UnpackOptions options{.members = {"*.csv"}};
    const auto members = source::members_of(path, options);
    ASSERT_TRUE(members && members->shelf);
    ASSERT_EQ(files.size(), members->meant.size());
    options.shelf = members->shelf;
    const auto expect = [&](std::size_t place) {
      options.member = files[place].name;
      const auto source = source::open(path, options);
      EXPECT_EQ(path + "!" + files[place].name, source->name());
      EXPECT_TRUE(files[place].text == read_all(*source)) << files[place].name;
    };
    for (std::size_t i = 0; i < files.size(); ++i) expect(i);
    for (const std::size_t place : {250, 3, 299, 300, 0, 299, 17, 16, 15, 300}) expect(place);
    options.member = "long.csv";
    const auto half = source::open(path, options);
    std::string begin(1000, '\0');
    ASSERT_EQ(begin.size(), half->read(begin.data(), begin.size()));
    expect(300);
    expect(299);
    EXPECT_TRUE(text_.substr(1000) == read_all(*half));

    // Another archive of that name: nothing of the first one counts.
    files.erase(files.begin());
    folder_.write("many.archive", archive_of(kind, files));
    expect(0);
    expect(299);
  }
}

}  // namespace
}  // namespace sluice::test
