#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/process.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Own the servers before the database test connects to one of them.
struct TwoServers {
  PrivateServer server{"max_connections=30"};
  PrivateServer far{"max_connections=60"};
};

/// A table of which one partition is here, and two are tables of another server: the distributed
/// target that each PostgreSQL has.
class ForeignPartitions : protected TwoServers, public DatabaseTest {
 protected:
  ForeignPartitions() : DatabaseTest(server.url()), there_(far.url()) {
    there_.run(
        "create table t2 (id int not null, v text); create table t3 (id int not null, v text)");
    db().run(
        "create extension postgres_fdw; create server far foreign data wrapper postgres_fdw "
        "options "
        "(host '127.0.0.1', port '" +
        std::string(PQport(there_.raw())) + "', dbname '" +
        there_.value("select current_database()") +
        "', batch_size '1000'); create user mapping for current_user server far options (user '" +
        there_.value("select current_user") +
        "'); create table t (id int not null, v text) partition by range (id);"
        "create table t1 partition of t for values from (0) to (20000);"
        "create foreign table t2 partition of t for values from (20000) to (40000) server far;"
        "create foreign table t3 partition of t for values from (40000) to (60000) server far");
    std::string lines = "id,v\n";
    for (int i = 0; i < rows_; ++i) {
      const int id = i * 7919 % rows_;  // each chunk has rows for all of them
      lines += std::to_string(id) + ",value " + std::to_string(id) + "\n";
    }
    file_ = folder_.write("in.csv", lines);
  }

  std::vector<std::string> command(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"load",       file_,  "-t",           "t",
                                       "-d",         url(),  "-j",           "2",
                                       "--progress", "none", "--chunk-size", "64KiB"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  void crash_the_other() {
    far.stop("immediate");
    far.start();
    there_ = Session(far.url());
  }
  std::string stored() {
    return db().value(
        "select count(*) || ' rows, ' || count(distinct (id, v)) || ' different' from t");
  }

  static constexpr int rows_ = 60'000;
  Session there_;
  TemporaryFolder folder_;
  std::string file_;
};

TEST_F(ForeignPartitions, TakeEachRowOnceWhereNothingFails) {
  const Finished refused = pgsluice(command());
  EXPECT_EQ(2, refused.exit_code) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("stores rows in foreign tables"));
  EXPECT_THAT(refused.err, HasSubstr("--accept-at-least-once"));

  const Finished loaded = pgsluice(command({"--accept-at-least-once"}));
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_THAT(loaded.out + loaded.err, HasSubstr("at least once"));
  EXPECT_EQ("60000 rows, 60000 different", stored());
  EXPECT_EQ(20'000, db().number("select count(*) from only t1"));
  EXPECT_EQ(20'000, there_.number("select count(*) from t2"));
  EXPECT_EQ(20'000, there_.number("select count(*) from t3"));
  EXPECT_THAT(pgsluice(command({"--accept-at-least-once"})).out, HasSubstr("nothing to do"));
}

/// What was under way there is sent again; a chunk that was in there alone may be there twice.
TEST_F(ForeignPartitions, LackNoRowWhenTheOtherServerCrashes) {
  Gate gate(url(), "t1", "id = 1676");  // record 30,004
  Process process(command({"--accept-at-least-once"}));
  wait_for_chunks(2);
  crash_the_other();
  crash_the_other();
  gate.open();
  const Finished loaded = process.wait();
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ(60'000, db().number("select count(distinct (id, v)) from t"));
  EXPECT_EQ(20'000, db().number("select count(*) from only t1"));
}

/// It is no record's fault that the other server cannot be asked: with a budget for bad ones, too.
TEST_F(ForeignPartitions, BlameNoRecordWhileTheOtherServerIsAway) {
  far.stop("immediate");
  const Finished failed =
      pgsluice(command({"--accept-at-least-once", "--max-rejects", "100000", "--retry-for", "2s"}));
  EXPECT_EQ(1, failed.exit_code) << failed.err;
  EXPECT_THAT(failed.err, HasSubstr("could not connect to server"));
  EXPECT_THAT(failed.err, Not(HasSubstr("--max-rejects N")));
  EXPECT_EQ(0, db().number("select coalesce(sum(rows_rejected), 0) from pgsluice.chunks"));
  far.start();
  const Finished loaded = pgsluice(command({"--accept-at-least-once", "--max-rejects", "100000"}));
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  there_ = Session(far.url());
  EXPECT_EQ("60000 rows, 60000 different", stored());
}

/// The reason comes from the other server, and its record is the one that is kept.
TEST_F(ForeignPartitions, KeepWhatTheOtherServerRefuses) {
  there_.run("alter table t2 add check (id <> 31111)");
  const Finished loaded = pgsluice(
      command({"--accept-at-least-once", "--max-rejects", "5", "--rejects", folder_ / "bad.csv"}));
  EXPECT_EQ(3, loaded.exit_code) << loaded.err;
  EXPECT_EQ("59999 rows, 59999 different", stored());
  EXPECT_THAT(read_file(folder_ / "bad.csv"), HasSubstr("31111,value 31111"));
}

}  // namespace
}  // namespace sluice::test
