#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "cli/beside.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// What a load says that it has waited for.
class Bottlenecks : public Beside {
 protected:
  void SetUp() override { db().run("create table t (id int, v text, w text)"); }

  /// A load whose sessions wait in front of a gate for some seconds.
  Finished load_that_waits(std::vector<std::string> more) {
    Gate gate(url(), "t", "id >= 30000");
    std::vector<std::string> arguments = in_chunks(big(), "t");
    arguments.insert(arguments.end(), more.begin(), more.end());
    Process load(arguments);
    EXPECT_TRUE(gate.is_reached(2));
    db().run("select pg_sleep(6)");
    gate.open();
    return load.wait();
  }
};

TEST_F(Bottlenecks, AreNamedInTheReport) {
  const Finished finished = load_that_waits({"-v"});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("\n  limited by the server: locks of others "));
  EXPECT_THAT(finished.out, HasSubstr("; the client was busy "));
  EXPECT_THAT(finished.err, HasSubstr("pg_catalog.pg_locks says who has them"));
  EXPECT_EQ(60'000, db().number("select count(*) from t"));
}

TEST_F(Bottlenecks, AreNumbersInJson) {
  const Finished finished = load_that_waits({"--output", "json"});
  const auto found = nlohmann::json::parse(finished.out)["loads"][0]["bottleneck"];
  EXPECT_EQ("locks", found["limit"]);
  EXPECT_GT(found["share"], 0.5);
  EXPECT_GT(found["sessions"]["locks"], 5);
  EXPECT_LT(found["client"]["encoding"], 0.5);
}

TEST_F(Bottlenecks, AreNotGuessedOfAShortLoad) {
  const Finished finished = load(big(), "t");
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.out, Not(HasSubstr("limited by")));
}

/// A session that may not look loses nothing by it, its lock neither.
TEST_F(Bottlenecks, WhereLookingIsRefusedTheLoadGoesOn) {
  db().run("revoke execute on function pg_stat_clear_snapshot() from public");
  url_of_new_role("looker");
  db().run("grant all on t to looker; grant create on database " +
           db().value("select quote_ident(current_database())") + " to looker");
  const Finished finished = load_that_waits({"-U", "looker"});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.out, Not(HasSubstr("limited by")));
  EXPECT_EQ(60'000, db().number("select count(*) from t"));
  db().run(
      "grant execute on function pg_stat_clear_snapshot() to public; drop owned by looker cascade; "
      "drop role looker");
}

}  // namespace
}  // namespace sluice::test
