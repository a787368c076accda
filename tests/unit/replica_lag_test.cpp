#include "load/replica_lag.hpp"

#include <gtest/gtest.h>

namespace sluice::load {
namespace {

using namespace std::chrono_literals;

TEST(ReplicaLag, IsTheAgeOfTheOldestThatIsNotApplied) {
  const ReplicaLag::Time start;
  ReplicaLag lag;
  lag.see(start, 100, 100);
  EXPECT_EQ(0s, lag.time());
  EXPECT_EQ(0U, lag.bytes());
  lag.see(start + 1s, 200, 100);
  EXPECT_EQ(0s, lag.time()) << "it was seen just now";
  EXPECT_EQ(100U, lag.bytes());
  lag.see(start + 3s, 300, 150);
  EXPECT_EQ(2s, lag.time()) << "a part of the second is not applied";
  lag.see(start + 4s, 300, 200);
  EXPECT_EQ(1s, lag.time()) << "the third was seen at 3 s";
  lag.see(start + 5s, 300, 300);
  EXPECT_EQ(0s, lag.time());
}

TEST(ReplicaLag, GrowsWhereAReplicaStandsStillAndNothingIsWritten) {
  const ReplicaLag::Time start;
  ReplicaLag lag;
  lag.see(start, 200, 100);
  for (int second = 1; second < 10; ++second) {
    lag.see(start + second * 1s, 200, 100);
    EXPECT_EQ(second * 1s, lag.time());
  }
}

TEST(ReplicaLag, AnotherReplicaThatIsFurtherBehindCounts) {
  const ReplicaLag::Time start;
  ReplicaLag lag;
  lag.see(start, 1000, 1000);
  lag.see(start + 1s, 1000, 400);  // it has just connected
  EXPECT_EQ(600U, lag.bytes());
  EXPECT_EQ(0s, lag.time());
  lag.see(start + 2s, 1000, 500);
  EXPECT_EQ(1s, lag.time());
}

}  // namespace
}  // namespace sluice::load
