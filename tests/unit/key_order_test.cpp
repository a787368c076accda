#include "load/key_order.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tuple/batch.hpp"

namespace sluice::load {
namespace {

tuple::KeySet keys(std::vector<std::uint64_t> hashes) {
  tuple::KeySet set;
  set.hashes = std::move(hashes);
  return set;
}

TEST(KeyOrder, KnowsWhichChunksMayShareAKey) {
  EXPECT_FALSE(KeyOrder::may_share_a_key(keys({1, 5, 9}), keys({2, 6})));
  EXPECT_TRUE(KeyOrder::may_share_a_key(keys({1, 5, 9}), keys({2, 9})));
  EXPECT_FALSE(KeyOrder::may_share_a_key(keys({}), keys({2, 9})));
  tuple::KeySet any = keys({});
  any.is_complete = false;
  EXPECT_TRUE(KeyOrder::may_share_a_key(any, keys({})));
}

/// Chunks that come in file order, and end in any.
class InOrder : public ::testing::Test {
 protected:
  void come(std::int64_t chunk, const tuple::KeySet& set) {
    asio::co_spawn(io_, enter(chunk, set), asio::detached);
    settle();
  }
  void leave(std::int64_t chunk) {
    order_.leave(chunk);
    settle();
  }
  asio::awaitable<void> enter(std::int64_t chunk, const tuple::KeySet& set) {
    co_await order_.enter(chunk, set);
    begun_ += std::to_string(chunk) + " ";
  }
  void settle() {
    io_.restart();
    io_.poll();
  }

  asio::io_context io_;
  KeyOrder order_{io_.get_executor()};
  std::string begun_;
};

TEST_F(InOrder, AChunkWaitsForEarlierOnesThatHaveItsKeys) {
  const tuple::KeySet a = keys({1});
  const tuple::KeySet b = keys({2});
  const tuple::KeySet both = keys({1, 2});
  const tuple::KeySet c = keys({3});
  come(0, a);
  come(1, b);
  come(2, both);
  come(3, c);
  come(4, a);
  EXPECT_EQ("0 1 3 ", begun_);
  leave(0);
  EXPECT_EQ("0 1 3 ", begun_);  // 2 waits for 1, and 4 for 2
  leave(1);
  EXPECT_EQ("0 1 3 2 ", begun_);
  leave(3);
  leave(2);
  EXPECT_EQ("0 1 3 2 4 ", begun_);
  leave(4);
}

}  // namespace
}  // namespace sluice::load
