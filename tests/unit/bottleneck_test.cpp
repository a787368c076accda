#include "load/bottleneck.hpp"

#include <gmock/gmock.h>

namespace sluice::load {
namespace {

using Limit = Bottleneck::Limit;
using ::testing::HasSubstr;

TEST(Bottleneck, ReadsWhatPostgresSaysOfASession) {
  struct Case {
    const char* state;
    const char* type;
    const char* event;
    Waiting waiting;
  };
  for (const Case& c : {
           Case{"active", "", "", Waiting::cpu},
           Case{"active", "Client", "ClientRead", Waiting::client},
           Case{"idle in transaction", "Client", "ClientRead", Waiting::client},
           Case{"idle", "Client", "ClientRead", Waiting::client},
           Case{"active", "IO", "WALWrite", Waiting::wal},
           Case{"active", "IO", "WALSync", Waiting::wal},
           Case{"active", "IO", "WalSync", Waiting::wal},
           Case{"active", "LWLock", "WALWrite", Waiting::wal},
           Case{"active", "LWLock", "WALInsert", Waiting::wal},
           Case{"active", "IO", "DataFileExtend", Waiting::storage},
           Case{"active", "IO", "DataFileRead", Waiting::storage},
           Case{"active", "Lock", "extend", Waiting::extension},
           Case{"active", "Lock", "transactionid", Waiting::locks},
           Case{"active", "Lock", "advisory", Waiting::locks},
           Case{"active", "LWLock", "BufferContent", Waiting::cpu},
           Case{"active", "IPC", "SyncRep", Waiting::replica},
           Case{"active", "Timeout", "PgSleep", Waiting::other},
       })
    EXPECT_EQ(c.waiting, waiting_of(c.state, c.type, c.event)) << c.type << " " << c.event;
}

Seen seen(std::initializer_list<std::pair<Waiting, std::uint64_t>> counts) {
  Seen all{};
  for (const auto& [waiting, count] : counts) all[static_cast<std::size_t>(waiting)] = count;
  return all;
}

TEST(Bottleneck, IsTheServerWhereItsSessionsAreBusyMostOfTheTime) {
  const auto found = bottleneck_of(
      seen({{Waiting::client, 4}, {Waiting::cpu, 5}, {Waiting::wal, 11}}), {10, 2, 4, 2});
  ASSERT_TRUE(found);
  EXPECT_EQ(Limit::wal, found->limit);
  EXPECT_DOUBLE_EQ(0.55, found->share);
  EXPECT_EQ("limited by the server: log (WAL) 55 %, CPU 25 %; the client was busy 20 %",
            text_of(*found));
}

TEST(Bottleneck, IsTheBusiestThreadWhereTheServerWaits) {
  const Seen waits = seen({{Waiting::client, 15}, {Waiting::cpu, 5}});
  EXPECT_EQ(Limit::source, bottleneck_of(waits, {10, 9.5, 4, 2})->limit);
  EXPECT_EQ(Limit::encoding, bottleneck_of(waits, {10, 3, 18, 2})->limit);
  EXPECT_EQ(Limit::network, bottleneck_of(waits, {10, 1, 2, 2})->limit);
  EXPECT_DOUBLE_EQ(0.95, bottleneck_of(waits, {10, 9.5, 4, 2})->share);
}

TEST(Bottleneck, IsWhatTheUserHasSetWhereThatHoldsItUp) {
  const Seen waits = seen({{Waiting::client, 15}, {Waiting::cpu, 5}});
  OwnTime own{10, 1, 2, 2};
  own.held = 8;
  EXPECT_EQ("limited by --max-rate, 80 % of the time", text_of(*bottleneck_of(waits, own)));
  own.held = 0;
  own.replica = 7;
  EXPECT_EQ(Limit::lag, bottleneck_of(waits, own)->limit);
}

TEST(Bottleneck, IsNotGuessedFromALookOrTwo) {
  EXPECT_FALSE(bottleneck_of(seen({{Waiting::cpu, 5}}), {5, 1, 1, 2}));
  EXPECT_FALSE(bottleneck_of(seen({{Waiting::cpu, 50}}), {}));
  EXPECT_TRUE(bottleneck_of(seen({{Waiting::cpu, 6}}), {5, 1, 1, 2}));
}

TEST(Bottleneck, EachLimitHasItsWordsAndARemedy) {
  for (const auto& limit : names_of(Limit())) {
    Bottleneck one;
    one.limit = limit.value;
    one.share = 0.61;
    one.seen = seen({{Waiting::other, 61}, {Waiting::client, 39}});
    EXPECT_THAT(text_of(one), HasSubstr("limited by "));
    EXPECT_THAT(text_of(one), HasSubstr("61 %"));
    EXPECT_FALSE(remedy_of(one.limit).empty());
  }
}

}  // namespace
}  // namespace sluice::load
