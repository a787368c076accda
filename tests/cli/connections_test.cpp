#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <stop_token>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// How many connections a load uses: what it finds best, and less beside others (--max-load).
class Connections : public DatabaseTest {
 protected:
  /// The server needs some time for each chunk, in which it does nothing.
  void SetUp() override {
    db().run(
        "create table t (id int, v text); create function slow() returns boolean language plpgsql "
        "as $$ begin perform pg_sleep(0.04); return true; end $$; alter table t add check (id % "
        "100 <> 0 or slow())");
    std::string csv = "id,v\n";
    for (int id = 0; id < 60'000; ++id)
      csv += std::to_string(100'000 + id) + "," + std::string(93, 'x') + "\n";
    csv_ = folder_.write("in.csv", csv);
  }

  std::vector<std::string> command(std::vector<std::string> more = {},
                                   const std::string& as = "") const {
    std::vector<std::string> all{
        "load",     csv_,   "-t",           "t",    "-d", as.empty() ? url() : as,
        "--output", "json", "--chunk-size", "10100"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  static nlohmann::json connections(const Finished& finished) {
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    return nlohmann::json::parse(finished.out)["loads"][0]["connections"];
  }
  /// Sessions of somebody else that are at work, until they go.
  std::vector<std::unique_ptr<Session>> at_work(int count) const {
    std::vector<std::unique_ptr<Session>> others;
    for (int i = 0; i < count; ++i) {
      others.push_back(std::make_unique<Session>(url()));
      PQsendQuery(others.back()->raw(), "select pg_sleep(600)");
    }
    return others;
  }
  /// Those that the load has at the server with a chunk, the most that are seen of some looks.
  std::int64_t most_at_work() {
    std::int64_t most = 0;
    for (int look = 0; look < 60; ++look) {
      db().run("select pg_stat_clear_snapshot()");
      most = std::max(most, db().number("select count(*) from pg_stat_activity where "
                                        "application_name = 'pgsluice' and datname = "
                                        "current_database() and query like '%chunk%' and state = "
                                        "'active'"));
      db().run("select pg_sleep(0.02)");
    }
    return most;
  }

  TemporaryFolder folder_;
  std::string csv_;
};

TEST_F(Connections, AreMoreWhereThatHelps) {
  const auto used = connections(pgsluice(command()));
  EXPECT_LE(8, used["most"]) << used;
  EXPECT_EQ(60'000, db().number("select count(distinct id) from t"));
}

TEST_F(Connections, AreAsManyAsTheUserSays) {
  const auto used = connections(pgsluice(command({"--jobs", "3"})));
  EXPECT_EQ(3, used["most"]) << used;
  EXPECT_EQ(3, used["least"]) << used;
}

TEST_F(Connections, AreFewerWhileOthersAreAtWork) {
  const auto others = at_work(5);
  Process loading(command({"--jobs", "6", "--max-load", "7"}));
  ASSERT_TRUE(comes_true("select count(*) > 20 from pgsluice.chunks"));
  // The server may have others yet: those of other tests' databases, and its own.
  EXPECT_GE(2, most_at_work());
  for (const auto& other : others)
    db().run("select pg_terminate_backend(" + std::to_string(PQbackendPID(other->raw())) + ")");
  const auto used = connections(loading.wait());
  EXPECT_GE(2, used["least"]) << used;
  EXPECT_EQ(6, used["most"]) << used;
}

/// A session that waits for a lock of the load's gets it the sooner.
TEST_F(Connections, AreOneWhileSomebodyWaitsForThem) {
  Gate gate(url(), "t", "id = 103050");
  Process loading(command({"--jobs", "6", "--max-load", "1000"}));
  ASSERT_TRUE(gate.is_reached());
  const Session other(url());
  PQsendQuery(other.raw(), "begin; lock table t in share row exclusive mode; commit");
  EXPECT_TRUE(comes_true(
      "select count(*) > 4 from pg_locks where not granted and relation = 't'::regclass"));
  db().run("select pg_sleep(1.5)");
  gate.open();
  const auto used = connections(loading.wait());
  EXPECT_EQ(1, used["least"]) << used;
  EXPECT_EQ(6, used["last"]) << used;
}

/// One that is being made has no state yet: that is not because it may not be seen.
TEST_F(Connections, OfOthersThatAreJustMadeAreNoSecret) {
  std::vector<std::jthread> others;
  others.reserve(4);
  for (int i = 0; i < 4; ++i) {
    others.emplace_back([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) const Session session(url());
    });
  }
  const auto used = connections(pgsluice(command({"--jobs", "6", "--max-load", "1000"})));
  EXPECT_EQ(6, used["last"]) << used;
}

TEST_F(Connections, CannotBeFewerForWhoMayNotSeeOthers) {
  const std::string as = url_of_new_role("blind");
  db().run("grant create on database \"" + db().value("select current_database()") +
           "\" to blind; grant insert, select on t to blind");
  const auto others = at_work(1);
  const Finished refused = pgsluice(command({"--max-load", "4"}, as));
  EXPECT_EQ(2, refused.exit_code) << refused.err;
  EXPECT_THAT(refused.out + refused.err, HasSubstr("grant pg_monitor to "));
}

}  // namespace
}  // namespace sluice::test
