#include <gtest/gtest.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"

namespace sluice::test {
namespace {

/// A target that does something else with a record than to keep it.
struct CountsCase {
  const char* name;
  const char* setup;  ///< makes t (id int, v text)
  int stored;         ///< of 40 records with ids from 1 to 40
};

const CountsCase counts_cases[] = {
    {"plain", "create table t (id int, v text)", 40},
    {"trigger_drops",
     "create table t (id int, v text); create trigger f before insert on t for each row execute "
     "function drop_odd()",
     20},
    {"trigger_of_a_partition",
     "create table t (id int, v text) partition by range (id); create table t0 partition of t for "
     "values from (0) to (31); create table t1 partition of t default; create trigger f before "
     "insert on t0 for each row execute function drop_odd()",
     25},
    {"rule_nothing",
     "create table t (id int, v text); create rule r as on insert to t do instead nothing", 0},
    {"rule_nothing_for_some",
     "create table t (id int, v text); create rule r as on insert to t where new.id > 30 do "
     "instead "
     "nothing",
     30},
    {"rule_to_another_table",
     "create table t (id int, v text); create table other (id int, v text); create rule r as on "
     "insert to t do instead insert into other values (new.*)",
     0},
    {"rule_for_some_to_another_table",
     "create table t (id int, v text); create table other (id int, v text); create rule r as on "
     "insert to t where new.id > 30 do instead insert into other values (new.*)",
     30},
    {"rules_to_children",
     "create table t (id int, v text); create table a () inherits (t); create table b () inherits "
     "(t); create rule a as on insert to t where new.id <= 10 do instead insert into a values "
     "(new.*); create rule b as on insert to t where new.id between 11 and 30 do instead insert "
     "into b values (new.*)",
     40},
    {"rule_also",
     "create table t (id int, v text); create table other (id int, v text); create rule r as on "
     "insert to t do also insert into other values (new.*)",
     40},
    {"rule_that_updates",
     "create table t (id int, v text); create table n (n int); insert into n values (0); create "
     "rule r as on insert to t do instead update n set n = n + 1",
     0},
    {"view", "create table b (id int, v text); create view t as select * from b", 40},
    {"view_with_a_rule",
     "create table b (id int, v text); create view t as select id, v from b; create rule r as on "
     "insert to t do instead insert into b select new.id, new.v where new.id % 4 = 0",
     10},
    {"view_with_a_trigger",
     "create table b (id int, v text); create view t as select * from b; create function put() "
     "returns trigger language plpgsql as $$ begin if new.id % 2 = 1 then return null; end if; "
     "insert into b values (new.id, new.v); return new; end $$; create trigger put instead of "
     "insert on t for each row execute function put()",
     20},
    {"view_on_a_table_with_a_trigger",
     "create table b (id int, v text); create view t as select * from b; create trigger f before "
     "insert on b for each row execute function drop_odd()",
     20},
};

enum class Way { automatic, insert, rejecting, atomic };

/// What is reported is what is in the table.
class Counts : public DatabaseTest,
               public ::testing::WithParamInterface<std::tuple<CountsCase, Way>> {};

TEST_P(Counts, AreWhatIsInTheTable) {
  const auto& [c, way] = GetParam();
  db().run(
      "create function drop_odd() returns trigger language plpgsql as $$ begin if new.id % 2 = 1 "
      "then return null; end if; return new; end $$");
  db().run(c.setup);
  TemporaryFolder folder;
  std::string csv = "id,v\n";
  for (int i = 1; i <= 40; ++i) csv += std::to_string(i) + ",x\n";
  plan::LoadOptions options;
  // Where nothing is to be done with a record, nobody reads it.
  if (way == Way::rejecting && std::string(c.name) != "rule_nothing") {
    csv += "bad,x\n";
    options.rejects.rejects_max = 3;
  }
  options.path = folder.write("in.csv", csv);
  options.table = "t";
  options.chunk_bytes = 70;
  if (way == Way::insert) options.writer = plan::WriterChoice::insert;
  options.atomic = way == Way::atomic;
  const Loaded loaded = run_load(url(), options);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(c.stored, db().number("select count(*) from t"));
  EXPECT_EQ(c.stored, static_cast<int>(loaded.report.total.rows_stored));
  EXPECT_EQ(40U, loaded.report.total.rows());
  EXPECT_EQ("40", db().value("select rows_stored + rows_skipped from pgsluice.loads"));
}

std::string counts_name(const ::testing::TestParamInfo<std::tuple<CountsCase, Way>>& drawn) {
  static constexpr const char* ways[] = {"automatic", "insert", "rejecting", "atomic"};
  return std::string(std::get<0>(drawn.param).name) + "_" +
         ways[static_cast<int>(std::get<1>(drawn.param))];
}

INSTANTIATE_TEST_SUITE_P(Targets, Counts,
                         ::testing::Combine(::testing::ValuesIn(counts_cases),
                                            ::testing::Values(Way::automatic, Way::insert,
                                                              Way::rejecting, Way::atomic)),
                         counts_name);

}  // namespace
}  // namespace sluice::test
