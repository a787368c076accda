#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <set>

#include "base/failure.hpp"
#include "load/reject_budget.hpp"
#include "load/reject_file.hpp"
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
    file.append(c, rejects);
  }

  RejectFile::Options options() const {
    return {.path = path_, .source = "in.csv", .header = "id,v", .load = LoadId{4}};
  }
  std::string records() const { return test::read_file(path_); }
  std::size_t reasons() const {
    const std::string text = test::read_file(folder_ / "in.rejects.jsonl");
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }
  static bool all(std::int64_t) { return true; }

  test::TemporaryFolder folder_;
  std::string path_ = folder_ / "in.rejects.csv";
};

TEST_F(RejectFileTest, SettlesIntoFileOrderWithTheLastAttemptOfEachStoredChunk) {
  RejectFile file(options());
  append(file, 2, {"2a"});
  append(file, 0, {"0a", "0b"});
  append(file, 1, {"1a"});
  append(file, 0, {"0c"});
  EXPECT_EQ(2U, file.settle([](std::int64_t chunk) { return chunk != 1; }));
  EXPECT_EQ("id,v\n0c\n2a\n", records());
  EXPECT_EQ(2U, reasons());
  append(file, 1, {"1b"});
  EXPECT_EQ(3U, file.settle(all));
  EXPECT_EQ("id,v\n0c\n1b\n2a\n", records());
  EXPECT_EQ(3U, reasons());
}

TEST_F(RejectFileTest, IsTakenUpAfterACrash) {
  {
    RejectFile file(options());
    append(file, 0, {"0a"});
    append(file, 1, {"1a", "1b"});
    append(file, 2, {"2a"});
    append(file, 1, {"1c"});
  }
  // Cut off in the middle of writing.
  const std::string jsonl = folder_ / "in.rejects.jsonl";
  ASSERT_EQ(0, ::truncate(jsonl.c_str(), static_cast<off_t>(test::read_file(jsonl).size() - 9)));
  RejectFile file(options());
  ASSERT_TRUE(file.reopen());
  EXPECT_EQ(3U, file.settle([](std::int64_t chunk) { return chunk < 2; }));
  EXPECT_EQ("id,v\n0a\n1a\n1b\n", records());
  append(file, 2, {"2b"});
  EXPECT_EQ(4U, file.settle(all));
  EXPECT_EQ("id,v\n0a\n1a\n1b\n2b\n", records());
}

/// settle() writes new files and gives them the names of the old ones. It is interrupted in front
/// of the first renaming, and between the two.
TEST_F(RejectFileTest, IsTakenUpAfterACrashWhileItWasSettled) {
  const std::string jsonl = folder_ / "in.rejects.jsonl";
  for (const bool one_is_renamed : {false, true}) {
    std::string old_records;
    std::string old_reasons;
    {
      RejectFile file(options());
      append(file, 1, {"1a"});
      append(file, 0, {"0a"});
      old_records = records();
      old_reasons = test::read_file(jsonl);
      file.settle(all);
    }
    ASSERT_EQ(0, ::rename(path_.c_str(), (path_ + ".tmp").c_str()));
    folder_.write("in.rejects.csv", old_records);
    if (!one_is_renamed) {
      ASSERT_EQ(0, ::rename(jsonl.c_str(), (jsonl + ".tmp").c_str()));
      folder_.write("in.rejects.jsonl", old_reasons);
    }
    RejectFile file(options());
    ASSERT_TRUE(file.reopen());
    EXPECT_EQ(2U, file.settle(all));
    EXPECT_EQ("id,v\n0a\n1a\n", records());
    EXPECT_LT(test::read_file(jsonl).find("bad 0a"), test::read_file(jsonl).find("bad 1a"));
    ::unlink(path_.c_str());
    ::unlink(jsonl.c_str());
    ::unlink((path_ + ".tmp").c_str());
    ::unlink((jsonl + ".tmp").c_str());
  }
}

TEST_F(RejectFileTest, NothingKeptLeavesNoFile) {
  RejectFile file(options());
  append(file, 0, {"0a"});
  EXPECT_EQ(0U, file.settle([](std::int64_t) { return false; }));
  EXPECT_NE(0, ::access(path_.c_str(), F_OK));
  EXPECT_FALSE(RejectFile(options()).reopen());
}

TEST_F(RejectFileTest, BelongsToItsUserAndReplacesNothing) {
  EXPECT_EQ(path_, RejectFile::free_path(path_));
  RejectFile file(options());
  append(file, 0, {"0a"});
  struct stat status{};
  ASSERT_EQ(0, ::stat(path_.c_str(), &status));
  EXPECT_EQ(0600U, status.st_mode & 0777U);
  EXPECT_EQ(folder_ / "in.rejects.2.csv", RejectFile::free_path(path_));
  RejectFile second(options());
  EXPECT_THROW(append(second, 0, {"0b"}), Failure);
  EXPECT_EQ("id,v\n0a\n", records());
}

TEST_F(RejectFileTest, IsNotReachedThroughASymbolicLink) {
  const std::string victim = folder_.write("victim", "precious");
  ASSERT_EQ(0, ::symlink(victim.c_str(), path_.c_str()));
  RejectFile file(options());
  EXPECT_THROW(append(file, 0, {"0a"}), Failure);
  EXPECT_EQ("precious", test::read_file(victim));
}

TEST_F(RejectFileTest, RefusesFilesThatAreNotItsOwn) {
  folder_.write("in.rejects.csv", "id,v\n0a\n");
  folder_.write("in.rejects.jsonl", "{\"message\":\"of somebody else\"}\n");
  RejectFile file(options());
  EXPECT_THROW(file.reopen(), Failure);
}

}  // namespace
}  // namespace sluice::load
