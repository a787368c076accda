#include <gmock/gmock.h>

#include <random>
#include <set>

#include "base/failure.hpp"
#include "rejects/budget.hpp"
#include "rejects/refused_tuples.hpp"
#include "rejects/spill.hpp"
#include "rejects/splitter.hpp"
#include "support/files.hpp"

namespace sluice::rejects {
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
      // Where nothing is known of their number, nothing is judged.
      {{{}, 0.01}, {}, 0, 0, 100, 100, true},
      {{{}, 0.01}, {}, 100'000, 900, 10'000, 10'000, true},
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

  RejectBudget share({{}, 0.01});
  share.expect(100'000);
  EXPECT_TRUE(share.allows(1000, 1000));
  EXPECT_TRUE(share.allows(5000, 4000));
  EXPECT_FALSE(share.allows(5000, 4001)) << "four times as many as an estimate allows";
  EXPECT_EQ(
      "4,001 records are bad of about 100,000 that there seem to be, and --max-reject-ratio "
      "allows 0.01",
      share.explain(4001));
  share.set_total(120'000);
  EXPECT_TRUE(share.allows(0, 1200));
  EXPECT_FALSE(share.allows(0, 1201));
  EXPECT_EQ("1,201 records are bad of 120,000, and --max-reject-ratio allows 0.01",
            share.explain(1201));
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
    pg::PgError error(pg::Phase::storing, SqlState(i % 2 == 0 ? "22P02" : "23505"),
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

}  // namespace
}  // namespace sluice::rejects
