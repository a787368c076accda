#include "resume/compare.hpp"

#include <gtest/gtest.h>
#include <xxhash.h>

namespace sluice::resume {
namespace {

const std::string text = "0123456789abcdefghijklmnopqrstuvwxyz";

Range range(std::size_t begin, std::size_t size) {
  return {begin, size, XXH3_64bits(text.data() + begin, size)};
}

/// Fed with that text in pieces of one size.
Comparison compared(const std::vector<std::vector<Range>>& ranges, const std::string& with,
                    std::size_t piece) {
  Comparison comparison(ranges);
  for (std::size_t at = 0; at < with.size(); at += piece)
    comparison.feed(with.data() + at, std::min(piece, with.size() - at));
  return comparison;
}

TEST(Comparison, AgreesWhereEachRangeDoes) {
  // One behind the other, with a gap, and two that have some of the text both.
  const std::vector<std::vector<Range>> loads{{range(2, 3), range(5, 10)},
                                              {range(0, 4), range(8, 4)},
                                              {range(2, 10), range(9, 6), range(15, 3)}};
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const Comparison same = compared(loads, text, piece);
    for (std::size_t load = 0; load < loads.size(); ++load) EXPECT_TRUE(same.agrees(load)) << load;
    EXPECT_EQ(18U, same.end(2));
    EXPECT_FALSE(same.is_open());
    for (std::size_t at = 0; at < text.size(); ++at) {
      std::string other = text;
      other[at] = '-';
      const Comparison comparison = compared(loads, other, piece);
      EXPECT_EQ(at < 2 || at >= 15, comparison.agrees(0)) << at;
      EXPECT_EQ((at >= 4 && at < 8) || at >= 12, comparison.agrees(1)) << at;
      EXPECT_EQ(at < 2 || at >= 18, comparison.agrees(2)) << at;
    }
  }
}

/// What comes once is not read further than it takes.
TEST(Comparison, SaysHowMuchItTakesToKnowMore) {
  Comparison comparison({{range(2, 3), range(5, 10)}, {range(0, 4)}});
  std::vector<std::uint64_t> ends;
  while (comparison.is_open()) {
    const std::uint64_t wanted = comparison.bytes_wanted();
    comparison.feed(text.data() + comparison.bytes(), wanted);
    ends.push_back(comparison.bytes());
  }
  EXPECT_EQ((std::vector<std::uint64_t>{4, 5, 15}), ends);
  Comparison other({{range(2, 3), range(5, 10)}});
  other.feed("-----", 5);
  EXPECT_FALSE(other.is_open());
}

/// A ledger that was damaged may say that a chunk has no bytes.
TEST(Comparison, EndsWhereARangeIsEmpty) {
  Comparison comparison({{range(3, 0), range(3, 2)}});
  for (int i = 0; i < 40 && comparison.is_open(); ++i)
    comparison.feed(text.data() + comparison.bytes(), comparison.bytes_wanted());
  EXPECT_FALSE(comparison.is_open());
}

}  // namespace
}  // namespace sluice::resume
