#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"

namespace sluice::test {
namespace {

constexpr int rows = 30'000;

/// Two loads that come by the same keys in opposite orders, several chunks of each under way.
class UpsertContention : public DatabaseTest {
 protected:
  std::string file(const std::string& name, bool is_reversed) {
    std::vector<int> keys(rows);
    for (int i = 0; i < rows; ++i) keys[static_cast<std::size_t>(i)] = i;
    if (is_reversed) std::ranges::reverse(keys);
    std::string csv = "id,u,v\n";
    for (const int key : keys)
      csv += std::to_string(key) + "," + std::to_string(key) + "," + name + "\n";
    return folder_.write(name + ".csv", csv);
  }

  static plan::LoadOptions options(const std::string& path, bool atomic) {
    plan::LoadOptions o;
    o.path = path;
    o.table = "t";
    o.on_conflict = writer::OnConflict::update;
    o.chunk_bytes = std::size_t{32} << 10;
    o.jobs = 3;
    o.key = {"id"};
    o.atomic = atomic;
    return o;
  }

  /// Runs both at once, and looks at what they say and at what is in the table.
  void load_both(bool atomic = false) {
    Loaded loaded[2];
    const std::string paths[] = {file("up", false), file("down", true)};
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 2; ++i) {
        threads.emplace_back([this, &loaded, &paths, i, atomic] {
          loaded[i] = run_load(url(), options(paths[i], atomic));
        });
      }
    }
    ASSERT_TRUE(loaded[0].ok()) << loaded[0].message;
    ASSERT_TRUE(loaded[1].ok()) << loaded[1].message;
    // Each conflict with a row that the other one had just made is one, and no row counts twice.
    EXPECT_EQ(rows, db().number("select count(*) from t"));
    EXPECT_EQ(rows, loaded[0].report.total.rows_stored + loaded[1].report.total.rows_stored);
    EXPECT_EQ(rows, loaded[0].report.total.rows_updated + loaded[1].report.total.rows_updated);
    // A deadlock is found after a second and costs a chunk's work; in other orders there were
    // dozens.
    EXPECT_EQ(0U, loaded[0].report.retries + loaded[1].report.retries);
    EXPECT_EQ(0, db().number("select deadlocks from pg_stat_database where datname = "
                             "current_database()"));
    EXPECT_TRUE(no_session_left());
  }

  TemporaryFolder folder_;
};

TEST_F(UpsertContention, LocksKeysInOneOrder) {
  db().run("create table t (id int primary key, u int, v text)");
  load_both();
}

TEST_F(UpsertContention, LocksKeysOfPartitionsInOneOrder) {
  db().run(
      "create table t (id int primary key, u int, v text) partition by hash (id); create table t0 "
      "partition of t for values with (modulus 2, remainder 0); create table t1 partition of t for "
      "values with (modulus 2, remainder 1)");
  load_both();
}

TEST_F(UpsertContention, PublishesInOneOrder) {
  db().run("create table t (id int primary key, u int, v text)");
  load_both(true);
}

/// Records go in the order of their files: the transactions take turns.
TEST_F(UpsertContention, TakesTurnsWhereTheOrderOfRecordsDecides) {
  db().run("create table t (id int primary key, u int unique, v text)");
  load_both();
}

TEST_F(UpsertContention, TakesTurnsWhereTriggersSeeRecords) {
  db().run(
      "create table t (id int primary key, u int, v text); create function f() returns trigger "
      "language plpgsql as $$ begin new.v := new.v || '!'; return new; end $$; create trigger f "
      "before insert or update on t for each row execute function f()");
  load_both();
}

}  // namespace
}  // namespace sluice::test
