#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>

#include "base/failure.hpp"
#include "rejects/choice.hpp"
#include "rejects/reject_file.hpp"
#include "support/files.hpp"

namespace sluice::rejects {
namespace {

using ::testing::HasSubstr;

/// A chunk whose bytes are "a1", "b2", ... in lines, and rejects of some of them.
class RejectFileTest : public ::testing::Test {
 protected:
  void append(RejectFile& file, std::int64_t chunk, const std::vector<std::string>& records) {
    chunk::Chunk c;
    c.number = chunk;
    std::string bytes;
    std::vector<tuple::Reject> rejects;
    for (const std::string& record : records) {
      tuple::Reject reject;
      reject.begin = bytes.size();
      reject.size = record.size();
      reject.message = "bad " + record;
      rejects.push_back(reject);
      bytes += record + "\n";
    }
    c.buffer.reserve(bytes.size());
    std::ranges::copy(bytes, c.buffer.bytes());
    c.size = bytes.size();
    file.append(c, [at = rejects.begin(), end = rejects.end()](tuple::Reject& reject) mutable {
      if (at == end) return false;
      reject = *at++;
      return true;
    });
  }

  static RejectFile::Options options(std::optional<LoadId> load = LoadId{4}) {
    return {.source = "in.csv", .header = "id,v", .load = load};
  }
  std::unique_ptr<RejectFile> reserve() const { return RejectFile::reserve(path_, options()); }
  std::unique_ptr<RejectFile> reopen(LoadId load = LoadId{4}) {
    why_not_.clear();
    return RejectFile::reopen(path_, options(load), why_not_);
  }
  bool is_there(const std::string& name) const {
    return ::access((folder_ / name).c_str(), F_OK) == 0;
  }
  std::string records() const { return test::read_file(path_); }
  std::size_t reasons() const {
    const std::string text = test::read_file(folder_ / "in.rejects.jsonl");
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }
  static bool all(std::int64_t) { return true; }

  test::TemporaryFolder folder_;
  std::string path_ = folder_ / "in.rejects.csv";
  std::string why_not_;
};

TEST_F(RejectFileTest, SettlesIntoFileOrderWithTheLastAttemptOfEachStoredChunk) {
  const auto file = reserve();
  append(*file, 2, {"2a"});
  append(*file, 0, {"0a", "0b"});
  append(*file, 1, {"1a"});
  append(*file, 0, {"0c"});
  EXPECT_EQ(2U, file->settle([](std::int64_t chunk) { return chunk != 1; }));
  EXPECT_EQ("id,v\n0c\n2a\n", records());
  EXPECT_EQ(2U, reasons());
  append(*file, 1, {"1b"});
  EXPECT_EQ(3U, file->settle(all));
  EXPECT_EQ("id,v\n0c\n1b\n2a\n", records());
  EXPECT_EQ(3U, reasons());
}

TEST_F(RejectFileTest, IsTakenUpAfterACrash) {
  {
    const auto file = reserve();
    append(*file, 0, {"0a"});
    append(*file, 1, {"1a", "1b"});
    append(*file, 2, {"2a"});
    append(*file, 1, {"1c"});
  }
  // Cut off in the middle of writing.
  const std::string jsonl = folder_ / "in.rejects.jsonl";
  ASSERT_EQ(0, ::truncate(jsonl.c_str(), static_cast<off_t>(test::read_file(jsonl).size() - 9)));
  const auto file = reopen();
  ASSERT_TRUE(file) << why_not_;
  EXPECT_EQ(3U, file->settle([](std::int64_t chunk) { return chunk < 2; }));
  EXPECT_EQ("id,v\n0a\n1a\n1b\n", records());
  append(*file, 2, {"2b"});
  EXPECT_EQ(4U, file->settle(all));
  EXPECT_EQ("id,v\n0a\n1a\n1b\n2b\n", records());
}

/// What was cut off does not stand behind what is written next, which may be shorter.
TEST_F(RejectFileTest, NothingOfWhatWasCutOffStays) {
  {
    append(*reserve(), 0, {"0a", "a record that is longer than the next"});
  }
  const std::string jsonl = folder_ / "in.rejects.jsonl";
  const std::string text = test::read_file(jsonl);
  ASSERT_EQ(0, ::truncate(jsonl.c_str(), static_cast<off_t>(text.find('\n') + 5)));
  const auto file = reopen();
  ASSERT_TRUE(file) << why_not_;
  append(*file, 1, {"1a"});
  EXPECT_EQ("id,v\n0a\n1a\n", records());
  EXPECT_EQ(2U, reasons());
}

/// settle() writes new files and gives them the names of the old ones. A crash may come behind each
/// step: only the last line of the reasons tells what the new ones are called, and files that are
/// called much the same are somebody else's.
TEST_F(RejectFileTest, IsTakenUpAfterACrashWhileItWasSettled) {
  const std::string jsonl = folder_ / "in.rejects.jsonl";
  const std::string name = "0123456789abcdef";
  const std::string line = "{\"load\":4,\"rewriting\":\"" + name + "\"}\n";
  const std::string new_records = "in.rejects.csv." + name + ".tmp";
  const std::string new_reasons = "in.rejects.jsonl." + name + ".tmp";
  const std::vector<std::string> foreign{"in.rejects.csv.tmp", "in.rejects.jsonl.tmp",
                                         "in.rejects.csv.0123456789abcdee.tmp"};
  for (int step = 0; step <= 6; ++step) {
    for (const std::string& other : foreign) folder_.write(other, "somebody's");
    std::string old_records;
    std::string old_reasons;
    {
      const auto file = reserve();
      append(*file, 1, {"1a"});
      append(*file, 0, {"0a"});
      old_records = records();
      old_reasons = test::read_file(jsonl);
      file->settle(all);
    }
    const std::string settled_records = records();
    const std::string settled_reasons = test::read_file(jsonl);
    ASSERT_EQ("id,v\n0a\n1a\n", settled_records);
    // In their order: the line, two files that are made and filled, two renamings, the line's end.
    folder_.write("in.rejects.csv", step < 5 ? old_records : settled_records);
    folder_.write("in.rejects.jsonl", (step < 4 ? old_reasons : settled_reasons) + line);
    if (step == 1) folder_.write(new_reasons, "");
    if (step == 2) folder_.write(new_records, settled_records.substr(0, 7));
    if (step == 2) folder_.write(new_reasons, settled_reasons.substr(0, 20));
    if (step == 3) folder_.write(new_reasons, settled_reasons + line);
    if (step == 3 || step == 4) folder_.write(new_records, settled_records);
    if (step == 6) folder_.write("in.rejects.jsonl", settled_reasons + line.substr(0, 9));
    const auto file = reopen();
    ASSERT_TRUE(file) << step << why_not_;
    EXPECT_EQ(step < 4 ? old_records : settled_records, records()) << step;
    EXPECT_EQ(step < 4 ? old_reasons : settled_reasons, test::read_file(jsonl)) << step;
    EXPECT_FALSE(is_there(new_records)) << step;
    EXPECT_FALSE(is_there(new_reasons)) << step;
    EXPECT_EQ(2U, file->settle(all));
    EXPECT_EQ(settled_records, records()) << step;
    EXPECT_EQ(settled_reasons, test::read_file(jsonl)) << step;
    for (const std::string& other : foreign)
      EXPECT_EQ("somebody's", test::read_file(folder_ / other)) << step;
    ::unlink(path_.c_str());
    ::unlink(jsonl.c_str());
  }
}

/// What somebody else has put where the new records would be, is a link, or has a second name, is
/// no part of the load's.
TEST_F(RejectFileTest, NothingOfOthersTakesThePlaceOfRecords) {
  const std::string jsonl = folder_ / "in.rejects.jsonl";
  const std::string line = "{\"load\":4,\"rewriting\":\"0123456789abcdef\"}\n";
  const std::string place = folder_ / "in.rejects.csv.0123456789abcdef.tmp";
  for (const auto put : {&::symlink, &::link}) {
    {
      append(*reserve(), 0, {"0a"});
    }
    const std::string before = records();
    const std::string victim = folder_.write("victim", "precious and long");
    ASSERT_EQ(0, put(victim.c_str(), place.c_str()));
    folder_.write("in.rejects.jsonl", test::read_file(jsonl) + line);
    const auto file = reopen();
    ASSERT_TRUE(file) << why_not_;
    EXPECT_EQ(1U, file->settle(all));
    EXPECT_EQ(before, records());
    EXPECT_EQ("precious and long", test::read_file(victim));
    ::unlink(place.c_str());
    ::unlink(path_.c_str());
    ::unlink(jsonl.c_str());
  }
}

TEST_F(RejectFileTest, NothingKeptLeavesNoFile) {
  const auto file = reserve();
  append(*file, 0, {"0a"});
  EXPECT_EQ(0U, file->settle([](std::int64_t) { return false; }));
  EXPECT_EQ("", records());
  file->leave();
  EXPECT_FALSE(is_there("in.rejects.csv"));
  EXPECT_FALSE(is_there("in.rejects.jsonl"));
  EXPECT_FALSE(reopen());
  EXPECT_EQ("", why_not_);
}

TEST_F(RejectFileTest, BelongsToItsUserAndReplacesNothing) {
  const auto file = reserve();
  append(*file, 0, {"0a"});
  for (const std::string& path : {file->path(), file->reasons_path()}) {
    struct stat status{};
    ASSERT_EQ(0, ::stat(path.c_str(), &status));
    EXPECT_EQ(0600U, status.st_mode & 0777U);
  }
  const auto second = reserve();
  EXPECT_EQ(folder_ / "in.rejects.2.csv", second->path());
  append(*second, 0, {"0b"});
  EXPECT_EQ("id,v\n0a\n", records());
  // One of the two names is enough to be taken.
  folder_.write("in.rejects.3.csv", "");
  folder_.write("in.rejects.4.jsonl", "x");
  EXPECT_EQ(folder_ / "in.rejects.5.csv", reserve()->path());
  EXPECT_FALSE(is_there("in.rejects.3.jsonl"));
}

/// An empty one that a load has left is taken up; one that others may read, or have open, is not.
TEST_F(RejectFileTest, NothingThatOthersMayReadIsWrittenTo) {
  const std::string records = folder_.write("in.rejects.csv", "");
  const std::string reasons = folder_.write("in.rejects.jsonl", "");
  for (const std::string& open : {records, reasons}) {
    ASSERT_EQ(0, ::chmod(records.c_str(), 0600));
    ASSERT_EQ(0, ::chmod(reasons.c_str(), 0600));
    for (const unsigned mode : {0644U, 0660U, 0604U, 0400U}) {
      ASSERT_EQ(0, ::chmod(open.c_str(), mode));
      const auto file = reserve();
      EXPECT_EQ(folder_ / "in.rejects.2.csv", file->path()) << mode;
      file->leave();
    }
  }
  ASSERT_EQ(0, ::chmod(reasons.c_str(), 0600));
  EXPECT_EQ(folder_ / "in.rejects.csv", reserve()->path());
}

/// Whoever begins at the same moment gets another name, and each file is whole.
TEST_F(RejectFileTest, ManyAtOnceShareNone) {
  constexpr int threads = 16;
  std::vector<std::string> paths(threads);
  {
    std::vector<std::jthread> all;
    for (int i = 0; i < threads; ++i) {
      all.emplace_back([this, i, &paths] {
        const auto file = RejectFile::reserve(path_, options(LoadId{i}));
        append(*file, 0, {"record " + std::to_string(i)});
        paths[static_cast<std::size_t>(i)] = file->path();
      });
    }
  }
  EXPECT_EQ(threads, static_cast<int>(std::set(paths.begin(), paths.end()).size()));
  for (int i = 0; i < threads; ++i) {
    EXPECT_EQ("id,v\nrecord " + std::to_string(i) + "\n",
              test::read_file(paths[static_cast<std::size_t>(i)]));
  }
}

/// A crash may leave empty files. They are used again, but not while somebody has them.
TEST_F(RejectFileTest, EmptyFilesOfACrashAreUsedAgain) {
  auto running = reserve();
  EXPECT_EQ(folder_ / "in.rejects.2.csv", reserve()->path());
  running.reset();
  EXPECT_EQ(path_, reserve()->path());
  ::unlink(path_.c_str());  // it came between the two files
  EXPECT_EQ(path_, reserve()->path());
}

TEST_F(RejectFileTest, IsNotReachedThroughASymbolicLink) {
  const std::string victim = folder_.write("victim", "precious");
  for (const char* name : {"in.rejects.csv", "in.rejects.jsonl"}) {
    ASSERT_EQ(0, ::symlink(victim.c_str(), (folder_ / name).c_str()));
    const auto file = reserve();
    EXPECT_EQ(folder_ / "in.rejects.2.csv", file->path());
    EXPECT_FALSE(reopen());
    file->leave();
    EXPECT_EQ("precious", test::read_file(victim));
    ::unlink((folder_ / name).c_str());
  }
}

/// Only files that hold nothing but lines of the load, with the records that these say.
TEST_F(RejectFileTest, TakesUpItsOwnFilesAlone) {
  const std::string own = R"({"byte_count":2,"load":4,"chunk":0,"attempt":0})"
                          "\n";
  struct Case {
    std::string lines;
    std::string records;
    bool is_own;
  };
  const Case cases[] = {
      {own, "id,v\n0a\n", true},
      {"", "", true},
      {own, "id,v\n0a\nmore", true},
      {own, "id,v\n", false},
      {"", "id,v\n0a\n", false},
      {own + own, "id,v\n0a\n", false},
      {R"({"byte_count":2,"load":5,"chunk":0,"attempt":0})"
       "\n",
       "id,v\n0a\n", false},
      {own + R"({"byte_count":2,"load":5,"chunk":0,"attempt":0})"
             "\n",
       "id,v\n0a\n0b\n", false},
      {R"({"byte_count":2,"load":null,"chunk":0,"attempt":0})"
       "\n",
       "id,v\n0a\n", false},
      {R"({"byte_count":2,"load":"4","chunk":0,"attempt":0})"
       "\n",
       "id,v\n0a\n", false},
      {R"({"byte_count":-2,"load":4,"chunk":0,"attempt":0})"
       "\n",
       "id,v\n0a\n", false},
      {R"({"byte_count":18446744073709551615,"load":4,"chunk":0,"attempt":0})"
       "\n",
       "id,v\n0a\n", false},
      {R"({"byte_count":2,"load":4,"chunk":[],"attempt":{}})"
       "\n",
       "id,v\n0a\n", false},
      {"{\"message\":\"of somebody else\"}\n", "id,v\n0a\n", false},
      {"[1]\n", "id,v\n0a\n", false},
      {"", "precious", false},
      {"", "id", true},
      {own, "precious and long\n", false},
      {own + R"({"load":4,"rewriting":"0123456789abcdef"})"
             "\n",
       "id,v\n0a\n", true},
      {own + R"({"load":5,"rewriting":"0123456789abcdef"})"
             "\n",
       "id,v\n0a\n", false},
      {own + R"({"load":4,"rewriting":"/../../x"})"
             "\n",
       "id,v\n0a\n", false},
      {R"({"load":4,"rewriting":"0123456789abcdef"})"
       "\n" +
           own,
       "id,v\n0a\n", false},
      {"no JSON\n", "id,v\n0a\n", false},
  };
  for (const Case& c : cases) {
    folder_.write("in.rejects.jsonl", c.lines);
    folder_.write("in.rejects.csv", c.records);
    const auto file = reopen();
    EXPECT_EQ(c.is_own, file != nullptr) << c.lines << why_not_;
    if (c.is_own) continue;
    EXPECT_THAT(why_not_, HasSubstr("in.rejects.jsonl"));
    EXPECT_EQ(c.lines, test::read_file(folder_ / "in.rejects.jsonl"));
    EXPECT_EQ(c.records, records());
  }
}

class RejectChoiceTest : public RejectFileTest {
 protected:
  RejectWish wish() const {
    return {.path = path_, .usual_path = path_, .are_allowed = true, .about = options()};
  }
};

TEST_F(RejectChoiceTest, GoesOnWithWhatEarlierRunsHave) {
  {
    append(*reserve(), 0, {"0a"});
  }
  RejectWish again = wish();
  again.earlier_path = path_;
  for (const bool are_allowed : {true, false}) {
    again.are_allowed = are_allowed;
    const RejectChoice choice = choose_reject_file(again);
    ASSERT_TRUE(choice.file);
    EXPECT_TRUE(choice.file->has_any());
    EXPECT_EQ(path_, choice.path);
    EXPECT_EQ("", choice.note);
  }
  // The same name, given again: the number behind it was this tool's.
  again.are_allowed = again.is_named = true;
  again.path = folder_ / "in.csv";
  again.earlier_path = folder_ / "in.2.csv";
  {
    append(*RejectFile::reserve(again.earlier_path, options()), 0, {"0b"});
  }
  EXPECT_EQ(again.earlier_path, choose_reject_file(again).path);
}

TEST_F(RejectChoiceTest, LeavesFilesOfOthersAloneAndSaysSo) {
  {
    append(*RejectFile::reserve(path_, options(LoadId{5})), 0, {"0a"});
  }
  RejectWish again = wish();
  again.earlier_path = path_;
  const RejectChoice choice = choose_reject_file(again);
  EXPECT_EQ(folder_ / "in.rejects.2.csv", choice.path);
  EXPECT_THAT(choice.note, HasSubstr("lines of another load: the rejects of this load go to"));
  EXPECT_EQ("id,v\n0a\n", records());
  again.are_allowed = false;
  EXPECT_FALSE(choose_reject_file(again).file);
}

TEST_F(RejectChoiceTest, AnotherNameThanBeforeTakesTheRejectsAlong) {
  {
    const auto file = reserve();
    append(*file, 1, {"1a"});
    append(*file, 0, {"0a", "0b"});
  }
  RejectWish elsewhere = wish();
  elsewhere.path = folder_ / "other.csv";
  elsewhere.is_named = true;
  elsewhere.earlier_path = path_;
  const RejectChoice choice = choose_reject_file(elsewhere);
  EXPECT_EQ(folder_ / "other.csv", choice.path);
  EXPECT_THAT(choice.note, HasSubstr("moved from " + path_ + " to " + choice.path));
  // Until the ledger has the new name the old files stay.
  EXPECT_TRUE(is_there("in.rejects.csv"));
  append(*choice.file, 2, {"2a"});
  EXPECT_EQ(4U, choice.file->settle(all));
  EXPECT_EQ("id,v\n0a\n0b\n1a\n2a\n", test::read_file(choice.path));
  EXPECT_FALSE(is_there("in.rejects.csv"));
  EXPECT_FALSE(is_there("in.rejects.jsonl"));
}

/// The ledger's path is what others may write there.
TEST_F(RejectChoiceTest, TouchesNothingThatTheLedgerAloneNames) {
  std::filesystem::create_directory(folder_ / "other");
  for (const bool is_there : {false, true}) {
    for (const bool are_allowed : {true, false}) {
      for (const char* name : {"other/data", "other/in.rejects.csv", "in.csv", "in.rejects.x.csv",
                               "in.rejects..csv", "in.rejects.csv/x", "in.rejects.csv.2", "other",
                               "other/../in.rejects.2.csv/../../x", ""}) {
        RejectWish again = wish();
        again.are_allowed = are_allowed;
        again.earlier_path = folder_ / name;
        const bool is_file = is_there && !std::string_view(name).empty() &&
                             !std::filesystem::is_directory(again.earlier_path) &&
                             !std::string_view(name).contains("csv/");
        const std::string reasons = RejectPlace::reasons_path_of(again.earlier_path);
        if (is_file) {
          append(*RejectFile::reserve(again.earlier_path, options()), 0, {"0a"});
        }
        RejectChoice choice = choose_reject_file(again);
        EXPECT_EQ(are_allowed ? path_ : again.earlier_path, choice.path);
        EXPECT_THAT(choice.note, HasSubstr("does not name (--rejects)")) << name;
        EXPECT_EQ(is_file, std::filesystem::is_regular_file(again.earlier_path)) << name;
        EXPECT_EQ(is_file, std::filesystem::exists(reasons)) << name;
        if (choice.file) choice.file->leave();
        if (!is_file) continue;
        EXPECT_EQ("id,v\n0a\n", test::read_file(again.earlier_path));
        ::unlink(again.earlier_path.c_str());
        ::unlink(reasons.c_str());
      }
    }
  }
}

/// ... and a folder's other name is no other folder.
TEST_F(RejectChoiceTest, FindsItsFilesUnderAnotherNameOfTheFolder) {
  {
    append(*RejectFile::reserve(folder_ / "in.rejects.2.csv", options()), 0, {"0a"});
  }
  const std::string link = folder_ / "link";
  ASSERT_EQ(0, ::symlink((folder_ / ".").c_str(), link.c_str()));
  RejectWish again = wish();
  again.earlier_path = link + "/in.rejects.2.csv";
  const RejectChoice choice = choose_reject_file(again);
  EXPECT_EQ(folder_ / "in.rejects.2.csv", choice.path);
  EXPECT_TRUE(choice.file->has_any());
}

/// A name that was asked for must do at once; another one when there is something to write.
TEST_F(RejectChoiceTest, PlaceThatCannotBeWritten) {
  RejectWish nowhere = wish();
  nowhere.path = folder_ / "no/such/in.rejects.csv";
  const RejectChoice choice = choose_reject_file(nowhere);
  EXPECT_EQ("", choice.path);
  ASSERT_TRUE(choice.file);
  EXPECT_THROW(append(*choice.file, 0, {"0a"}), Failure);
  choice.file->leave();
  nowhere.is_named = true;
  try {
    choose_reject_file(nowhere);
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("--rejects"));
  }
}

}  // namespace
}  // namespace sluice::rejects
