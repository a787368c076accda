// Replicas that are behind, and a load that waits for them (--max-lag).

#include <gmock/gmock.h>

#include <csignal>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Lag : public ::testing::Test {
 protected:
  static constexpr int rows = 60'000;

  Lag() {
    Session(primary_.url()).run("create table t (id int, v text)");
    std::string csv = "id,v\n";
    for (int i = 0; i < rows; ++i) csv += std::to_string(i) + ",some text to make it longer\n";
    folder_.write("big.csv", csv);
  }

  std::vector<std::string> command(const std::string& lag, std::vector<std::string> more = {}) {
    std::vector<std::string> all{"load",         folder_ / "big.csv",
                                 "-t",           "t",
                                 "-d",           primary_.url(),
                                 "--chunk-size", "64KiB",
                                 "-j",           "2",
                                 "--max-rate",   "1MB/s",
                                 "--max-lag",    lag,
                                 "--progress",   "plain"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::string stored() { return Session(primary_.url()).value("select count(*) from t"); }
  long lag_bytes() {
    return std::stol(Session(primary_.url())
                         .value("select pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint "
                                "from pg_stat_replication"));
  }

  PrivateServer primary_{"wal_level=replica"};
  TemporaryFolder folder_;
};

TEST_F(Lag, ALoadWaitsForAReplicaThatIsBehind) {
  const Replica replica(primary_);
  Session standby(replica.url());
  for (const char* limit : {"1MB", "1s"}) {
    SCOPED_TRACE(limit);
    standby.run("select pg_wal_replay_pause()");
    Process load(command(limit, {"--again"}));
    EXPECT_TRUE(load.says("a replica is behind"));
    // What was under way is stored, and no more: two chunks of 64 KiB and their overhead.
    if (std::string(limit) == "1MB") {
      EXPECT_LT(lag_bytes(), 2'000'000);
    }
    EXPECT_TRUE(load.running());
    standby.run("select pg_wal_replay_resume()");
    const Finished finished = load.wait();
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.out, HasSubstr("waited "));
    EXPECT_THAT(finished.out, HasSubstr(" for replicas"));
  }
  EXPECT_EQ(std::to_string(2 * rows), stored());
}

TEST_F(Lag, ASignalEndsTheWait) {
  const Replica replica(primary_);
  Session(replica.url()).run("select pg_wal_replay_pause()");
  Process load(command("1MB"));
  ASSERT_TRUE(load.says("a replica is behind"));
  load.signal(SIGINT);
  const Finished finished = load.wait();
  EXPECT_EQ(130, finished.exit_code) << finished.err;
  Session(replica.url()).run("select pg_wal_replay_resume()");
  EXPECT_EQ(0, pgsluice(command("1MB")).exit_code);
  EXPECT_EQ(std::to_string(rows), stored());
}

TEST_F(Lag, WhoMayNotSeeReplicasIsToldHowToAllowIt) {
  const Replica replica(primary_);
  Session session(primary_.url());
  session.run(
      "create role loader login; grant all on t to loader; grant create on database "
      "postgres to loader");
  std::vector<std::string> as_loader = command("1MB");
  for (std::string& argument : as_loader)
    if (argument == primary_.url()) argument.replace(argument.find("postgres@"), 8, "loader");
  const Finished refused = pgsluice(as_loader);
  EXPECT_EQ(2, refused.exit_code) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("grant pg_monitor to \"loader\"; allows it"));
  EXPECT_EQ("0", stored());
  session.run("grant pg_monitor to loader");
  const Finished finished = pgsluice(as_loader);
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ(std::to_string(rows), stored());
}

TEST_F(Lag, WithoutReplicasNothingIsWaitedFor) {
  const Finished finished = pgsluice(command("1s"));
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("no replica is connected"));
  EXPECT_THAT(finished.out, Not(HasSubstr("waited")));
  EXPECT_EQ(std::to_string(rows), stored());
}

TEST_F(Lag, AReplicaThatGoesAwayIsNotWaitedFor) {
  std::optional<Replica> replica(primary_);
  Session(replica->url()).run("select pg_wal_replay_pause()");
  Process load(command("1MB"));
  ASSERT_TRUE(load.says("a replica is behind"));
  replica.reset();
  const Finished finished = load.wait();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ(std::to_string(rows), stored());
}

TEST_F(Lag, WhatIsNoLagIsRefused) {
  for (const char* lag : {"", "0s", "0", "fast", "-1s", "10"}) {
    const Finished finished = pgsluice(command(lag));
    EXPECT_EQ(2, finished.exit_code) << lag << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("--max-lag"));
  }
}

}  // namespace
}  // namespace sluice::test
