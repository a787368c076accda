// A primary that dies in the middle of a load, and the standby that takes its place.

#include <gmock/gmock.h>

#include <memory>
#include <random>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/patience.hpp"
#include "support/process.hpp"
#include "support/server.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

class Failover : public ::testing::Test {
 protected:
  static constexpr int rows = 20'000;

  Failover() {
    Session session(primary_->url());
    session.run("create table t (id int, v text)");
    std::string csv = "id,v\n";
    for (int i = 0; i < rows; ++i)
      csv += std::to_string(i) + ",\"value\n" + std::to_string(i * 7) + "\"\n";
    path_ = folder_.write("in.csv", csv);
  }

  /// Both servers, as somebody writes them who wants the one that can be written to.
  std::string both() const {
    const auto port_of = [](const std::string& url) {
      const std::size_t begin = url.rfind(':') + 1;
      return url.substr(begin, url.find('/', begin) - begin);
    };
    return "postgresql://postgres@127.0.0.1:" + port_of(primary_->url()) +
           ",127.0.0.1:" + port_of(standby_->url()) + "/postgres?target_session_attrs=read-write";
  }
  std::vector<std::string> command(std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"load", path_, "-t",         "t",    "-d",           both(), "-j",
                                 "2",    "-v",  "--progress", "none", "--chunk-size", "16KiB"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  void follow() { standby_ = std::make_unique<Replica>(*primary_); }
  /// From here on a commit waits until the standby has it.
  void synchronise() const {
    Session session(primary_->url());
    session.run("alter system set synchronous_standby_names = '*'");
    session.run("select pg_reload_conf()");
    ASSERT_TRUE(comes_true(
        session, "select count(*) = 1 from pg_stat_replication where sync_state = 'sync'"));
  }
  void promote() const { Session(standby_->url()).run("select pg_promote()"); }
  void fail_over() {
    primary_->stop("immediate");
    promote();
  }
  static int chunks(Session& session) {
    if (session.value("select to_regclass('pgsluice.chunks') is not null") != "t") return 0;
    return static_cast<int>(session.number("select count(*) from pgsluice.chunks"));
  }
  void expect_each_once() const {
    Session session(standby_->url());
    EXPECT_EQ(std::to_string(rows), session.value("select count(*) from t"));
    EXPECT_EQ(std::to_string(rows), session.value("select count(distinct id) from t"));
    EXPECT_EQ("finished", session.value("select string_agg(state, ' ') from pgsluice.loads"));
  }

  std::unique_ptr<PrivateServer> primary_ =
      std::make_unique<PrivateServer>("wal_level=replica max_connections=30");
  std::unique_ptr<Replica> standby_;
  TemporaryFolder folder_;
  std::string path_;
};

TEST_F(Failover, ToAStandbyThatHasAllLosesAndDoublesNothing) {
  for (std::size_t round = 0; round < 20 / every(10); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    if (round > 0) {
      primary_ = std::make_unique<PrivateServer>("wal_level=replica max_connections=30");
      Session(primary_->url()).run("create table t (id int, v text)");
    }
    follow();
    synchronise();
    Gate gate(primary_->url(), "t", "id >= " + std::to_string(1000 + round * 900));
    Process load(command());
    ASSERT_TRUE(gate.is_reached());
    fail_over();
    const Finished finished = load.wait();
    EXPECT_EQ(0, finished.exit_code) << finished.err << finished.out;
    expect_each_once();
    standby_.reset();
  }
}

TEST_F(Failover, ToAStandbyThatWasBehindSendsAgainWhatItLacks) {
  for (std::size_t round = 0; round < 20 / every(10); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    if (round > 0) {
      primary_ = std::make_unique<PrivateServer>("wal_level=replica max_connections=30");
      Session(primary_->url()).run("create table t (id int, v text)");
    }
    follow();
    Session session(primary_->url());
    Process load(command({"--max-rate", "80KB/s"}));
    Session standby(standby_->url());
    ASSERT_TRUE(is_seen([&] { return chunks(standby) > static_cast<int>(round % 4); }));
    // It gets nothing more; what the primary commits from here on is lost with it.
    standby.run("alter system set primary_conninfo = ''");
    standby.run("select pg_reload_conf()");
    ASSERT_TRUE(comes_true(standby, "select count(*) = 0 from pg_stat_wal_receiver"));
    ASSERT_TRUE(is_seen([&] { return chunks(session) > chunks(standby) + 2; }));
    fail_over();
    const Finished finished = load.wait();
    EXPECT_EQ(0, finished.exit_code) << finished.err << finished.out;
    EXPECT_THAT(finished.err, HasSubstr("the server has lost"));
    expect_each_once();
    standby_.reset();
  }
}

/// It has another past: the load's number means nothing to it.
TEST_F(Failover, ToAnotherServerIsNoFailover) {
  follow();
  PrivateServer other("max_connections=30");
  Session(other.url()).run("create table t (id int, v text)");
  const std::string url = [&] {
    std::string both = this->both();
    const auto port = [](const std::string& of) {
      const std::size_t begin = of.rfind(':') + 1;
      return of.substr(begin, of.find('/', begin) - begin);
    };
    return both.replace(both.find(port(standby_->url())), port(standby_->url()).size(),
                        port(other.url()));
  }();
  Gate gate(primary_->url(), "t", "id >= 9000");
  Process load({"load", path_, "-t", "t", "-d", url, "--progress", "none", "--chunk-size", "16KiB",
                "--retry-for", "20s"});
  ASSERT_TRUE(gate.is_reached());
  primary_->stop("immediate");
  const Finished finished = load.wait();
  EXPECT_EQ(1, finished.exit_code) << finished.err << finished.out;
  Session session(other.url());
  EXPECT_EQ("0", session.value("select count(*) from t"));
}

}  // namespace
}  // namespace sluice::test
