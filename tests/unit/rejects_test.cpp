#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <set>
#include <thread>

#include "base/failure.hpp"
#include "load/refused_tuples.hpp"
#include "load/reject_budget.hpp"
#include "load/reject_choice.hpp"
#include "load/reject_file.hpp"
#include "load/spill.hpp"
#include "load/splitter.hpp"
#include "support/files.hpp"

namespace sluice::load {
namespace {

using ::testing::HasSubstr;

enum class Names { none, right, first, wrong, several };

struct Search {
  std::set<std::uint64_t> found;
  std::set<std::uint64_t> accepted;
  std::size_t questions = 0;
  std::uint64_t sent = 0;
};

/// Plays the server: it refuses a range with a bad tuple in it, and names one as it is told to.
Search search(std::uint64_t tuples, const std::set<std::uint64_t>& bad, Names names,
              std::mt19937& random) {
  Search result;
  Splitter splitter(tuples);
  while (!splitter.done()) {
    const auto [first, end] = splitter.range();
    EXPECT_LT(first, end);
    EXPECT_LE(end, tuples);
    ++result.questions;
    const auto at = bad.lower_bound(first);
    if (at == bad.end() || *at >= end) {
      result.sent += end - first;
      for (std::uint64_t i = first; i < end; ++i) result.accepted.insert(i);
      splitter.accepted();
      continue;
    }
    result.sent += *at - first + 1;
    const auto one = [](std::uint64_t tuple) { return Splitter::Range{tuple, tuple + 1}; };
    std::optional<Splitter::Range> named;
    if (names == Names::right) named = one(*at);
    if (names == Names::first) named = one(first);
    if (names == Names::wrong)
      named = one(std::uniform_int_distribution<std::uint64_t>(0, tuples)(random));
    if (names == Names::several)
      named = Splitter::Range{*at / 10 * 10, std::min(*at / 10 * 10 + 10, end)};
    if (splitter.refused(named)) result.found.insert(first);
  }
  return result;
}

TEST(Splitter, FindsEveryBadTupleAndKeepsEveryOther) {
  std::mt19937 random(7);
  for (const Names names :
       {Names::none, Names::right, Names::first, Names::wrong, Names::several}) {
    for (int round = 0; round < 300; ++round) {
      const std::uint64_t tuples = std::uniform_int_distribution<std::uint64_t>(0, 400)(random);
      const double share = std::uniform_real_distribution<double>(0, 1)(random);
      std::set<std::uint64_t> bad;
      for (std::uint64_t i = 0; i < tuples; ++i)
        if (std::bernoulli_distribution(share * share * share)(random)) bad.insert(i);
      const Search result = search(tuples, bad, names, random);
      ASSERT_EQ(bad, result.found) << static_cast<int>(names);
      ASSERT_EQ(tuples - bad.size(), result.accepted.size());
    }
  }
}

/// The cost follows the bad tuples, not the size of the chunk.
TEST(Splitter, AsksFewQuestions) {
  std::mt19937 random(8);
  const std::uint64_t tuples = 100'000;
  std::set<std::uint64_t> bad;
  for (int i = 0; i < 10; ++i) bad.insert(static_cast<std::uint64_t>(i) * 9'973 + 17);
  const Search named = search(tuples, bad, Names::right, random);
  EXPECT_LT(named.questions, 80U);
  EXPECT_LT(named.sent, 2 * tuples + 100);
  const Search unnamed = search(tuples, {70'001}, Names::none, random);
  EXPECT_LT(unnamed.questions, 60U);
  const Search all = search(
      1'000,
      [] {
        std::set<std::uint64_t> set;
        for (std::uint64_t i = 0; i < 1'000; ++i) set.insert(i);
        return set;
      }(),
      Names::right, random);
  EXPECT_LE(all.questions, 2'000U);
  EXPECT_LE(all.sent, 2'000U);
}

struct BudgetCase {
  RejectLimits limits;
  std::optional<std::uint64_t> total;
  std::uint64_t used_records, used_rejects, records, rejects;
  bool allowed;
};

TEST(RejectBudget, Decides) {
  const BudgetCase cases[] = {
      {{}, {}, 0, 0, 10, 0, true},
      {{}, {}, 0, 0, 10, 1, false},
      {{0, {}}, {}, 0, 0, 10, 1, false},
      {{100, {}}, {}, 0, 99, 10, 1, true},
      {{100, {}}, {}, 0, 100, 10, 1, false},
      {{0, 0.5}, {}, 0, 0, 10, 1, false},
      // Of ten thousand, where less is known.
      {{{}, 0.01}, {}, 0, 0, 100, 100, true},
      {{{}, 0.01}, {}, 0, 0, 100, 101, false},
      {{{}, 0.01}, {}, 100'000, 900, 10'000, 200, true},
      {{{}, 0.01}, {}, 100'000, 900, 10'000, 201, false},
      // Of all of them, once that is known.
      {{{}, 0.01}, 200, 100, 1, 100, 1, true},
      {{{}, 0.01}, 200, 100, 1, 100, 2, false},
      {{5, 0.5}, 200, 100, 5, 100, 1, false},
  };
  for (const BudgetCase& c : cases) {
    RejectBudget budget(c.limits);
    budget.use(c.used_records, c.used_rejects);
    if (c.total) budget.set_total(*c.total);
    EXPECT_EQ(c.allowed, budget.allows(c.records, c.rejects)) << &c - cases;
  }
  RejectBudget budget({100, {}});
  EXPECT_EQ("101 records are bad, and --max-rejects allows 100", budget.explain(101));
}

/// In memory, on the disk, and across the border between the two.
TEST(Spill, GivesBackWhatItWasGiven) {
  for (const std::size_t memory : {0, 1, 100, 1'000'000}) {
    Spill spill(memory);
    std::string all;
    for (int i = 0; i < 30'000; ++i) {
      const std::string bytes = std::to_string(i) + std::string(i % 7, 'x');
      spill.append(bytes);
      all += bytes;
    }
    EXPECT_EQ(all.size(), spill.size());
    for (const std::size_t piece : {1UL, 10'000'000UL}) {
      Spill::Reader reader(spill);
      std::string read;
      for (;;) {
        const std::string_view bytes = reader.read(piece);
        if (bytes.empty()) break;
        read += bytes;
      }
      EXPECT_EQ(all, read) << memory;
    }
  }
}

TEST(Spill, SaysWhereItCannotWrite) {
  ::setenv("TMPDIR", "/proc", 1);  // a folder in which nobody makes files
  Spill spill(1);
  spill.append("x");
  try {
    spill.append("y");
    ADD_FAILURE();
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("TMPDIR"));
  }
  ::unsetenv("TMPDIR");
}

TEST(RefusedTuples, KeepsWhatTheServerSaidOnTheDiskToo) {
  RefusedTuples refused;
  constexpr std::uint64_t tuples = 20'000;
  const auto refusal_of = [](std::uint64_t i) {
    pg::PgError error(pg::Phase::copy, SqlState(i % 2 == 0 ? "22P02" : "23505"),
                      "message " + std::to_string(i));
    error.detail = i % 3 == 0 ? "detail" : "";
    error.table = i % 5 == 0 ? "t" : "";
    error.constraint = "c" + std::to_string(i);
    writer::Refusal refusal(error);
    refusal.copy_line = "COPY t, line " + std::to_string(i);
    return refusal;
  };
  for (std::uint64_t i = 0; i < tuples; ++i) refused.add(7 * i, refusal_of(i));
  EXPECT_EQ(tuples, refused.count());
  RefusedTuples::Reader reader(refused);
  RefusedTuple tuple;
  for (std::uint64_t i = 0; i < tuples; ++i) {
    ASSERT_TRUE(reader.next(tuple));
    EXPECT_EQ(7 * i, tuple.number);
    EXPECT_EQ(i % 2 == 0 ? "22P02" : "23505", tuple.sql_state);
    EXPECT_EQ("message " + std::to_string(i) + (i % 3 == 0 ? " (detail)" : ""), tuple.message);
    EXPECT_EQ(i % 5 == 0, tuple.of_row);
    EXPECT_EQ("c" + std::to_string(i), tuple.constraint);
    EXPECT_EQ("COPY t, line " + std::to_string(i), tuple.copy_line);
  }
  EXPECT_FALSE(reader.next(tuple));
}

/// A chunk whose bytes are "a1", "b2", ... in lines, and rejects of some of them.
class RejectFileTest : public ::testing::Test {
 protected:
  void append(RejectFile& file, std::int64_t chunk, const std::vector<std::string>& records) {
    source::Chunk c;
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

/// settle() writes new files and gives them the names of the old ones. It is interrupted in front
/// of the first renaming, and between the two.
TEST_F(RejectFileTest, IsTakenUpAfterACrashWhileItWasSettled) {
  const std::string jsonl = folder_ / "in.rejects.jsonl";
  for (const bool one_is_renamed : {false, true}) {
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
    ASSERT_EQ(0, ::rename(path_.c_str(), (path_ + ".tmp").c_str()));
    folder_.write("in.rejects.csv", old_records);
    if (!one_is_renamed) {
      ASSERT_EQ(0, ::rename(jsonl.c_str(), (jsonl + ".tmp").c_str()));
      folder_.write("in.rejects.jsonl", old_reasons);
    }
    const auto file = reopen();
    ASSERT_TRUE(file) << why_not_;
    EXPECT_EQ(2U, file->settle(all));
    EXPECT_EQ("id,v\n0a\n1a\n", records());
    EXPECT_LT(test::read_file(jsonl).find("bad 0a"), test::read_file(jsonl).find("bad 1a"));
    ::unlink(path_.c_str());
    ::unlink(jsonl.c_str());
    ::unlink((path_ + ".tmp").c_str());
    ::unlink((jsonl + ".tmp").c_str());
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
  RejectWish wish() const { return {.path = path_, .are_allowed = true, .about = options()}; }
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
}  // namespace sluice::load
