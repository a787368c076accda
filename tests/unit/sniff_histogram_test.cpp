#include <gmock/gmock.h>

#include <numeric>
#include <random>

#include "sniff/histogram.hpp"

namespace sluice::sniff {
namespace {

using ::testing::ElementsAre;

TEST(Histogram, SharesNumbersOutToBars) {
  Histogram histogram;
  for (int i = 0; i < 100; ++i) histogram.add(i / 10);
  EXPECT_THAT(histogram.bars(0, 9, 3), ElementsAre(30, 30, 40));
  EXPECT_THAT(histogram.bars(0, 9, 9), ElementsAre(10, 10, 10, 10, 10, 10, 10, 10, 20));
}

TEST(Histogram, TakesNumbersOfAllSizes) {
  Histogram histogram;
  for (const double number : {1e300, -1e300, 0.0, 1e-300, 5e-324, -3.5, 1e15})
    histogram.add(number);
  const std::vector<std::uint64_t> bars = histogram.bars(-1e300, 1e300, 3);
  EXPECT_EQ(7, std::accumulate(bars.begin(), bars.end(), std::uint64_t{0}));
  Histogram one;
  one.add(5);
  EXPECT_THAT(one.bars(5, 5, 2), ElementsAre(1, 0));
}

/// Parts of the numbers say what all of them say, in any order.
TEST(Histogram, IsThatOfItsParts) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const double width = std::ldexp(1.0, std::uniform_int_distribution(-30, 60)(random));
    std::normal_distribution<double> draw(width * 3, width);
    Histogram all;
    std::vector<Histogram> parts(4);
    for (int i = 0; i < 500; ++i) {
      const double number = draw(random);
      all.add(number);
      parts[static_cast<std::size_t>(random() % parts.size())].add(number);
    }
    Histogram merged;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) merged.merge(*part);
    ASSERT_EQ(all.bars(-width, width * 8, 24), merged.bars(-width, width * 8, 24));
  }
}

}  // namespace
}  // namespace sluice::sniff
