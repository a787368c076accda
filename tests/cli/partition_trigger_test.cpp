#include <gmock/gmock.h>

#include <filesystem>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

/// The lock on a partitioned table is none on its partitions: a trigger may come to one of them
/// behind what a transaction has proved, while its rows wait for that partition.
class PartitionTrigger : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(
        "create table t (id int, v text) partition by range (id); create table p1 partition of t "
        "for values from (0) to (100); create table p2 partition of t for values from (100) to "
        "(1000); create function f() returns trigger language plpgsql as 'begin if new.id = 101 "
        "then return null; end if; return new; end'");
    std::filesystem::create_directory(folder_ / "in");
    for (int i = 1; i <= 6; ++i)
      folder_.write("in/" + std::to_string(i) + ".csv",
                    "id,v\n" + std::to_string(i) + ",x\n10" + std::to_string(i) + ",y\n");
    folder_.write("first.csv", "id,v\n0,z\n");
    load({folder_ / "first.csv"});
  }
  Finished load(std::vector<std::string> more) {
    more.insert(more.begin(), {"load", "-t", "t", "-d", url()});
    return pgsluice(more);
  }
  /// ... while a trigger that drops a row is made, and committed when they wait for it.
  Finished load_beside_it(std::vector<std::string> more) {
    Session other(url());
    other.run("begin; create trigger x before insert on p2 for each row execute function f()");
    more.insert(more.begin(), {"load", "-t", "t", "-d", url()});
    Process loading(more);
    EXPECT_TRUE(
        comes_true("select exists (select from pg_locks l join pg_class c on c.oid = l.relation "
                   "where c.relname = 'p2' and not l.granted)"));
    other.run("commit");
    return loading.wait();
  }
  void expect_right(int files) {
    EXPECT_EQ(2 * files - 1, db().number("select count(*) from t where id > 0"));
    EXPECT_EQ(db().number("select count(*) from t"),
              db().number("select sum(rows_stored) from pgsluice.loads where state = 'finished'"));
    EXPECT_EQ(1, db().number("select sum(rows_skipped) from pgsluice.loads"));
  }

  TemporaryFolder folder_;
};

TEST_F(PartitionTrigger, RowsOfSmallFilesAreCounted) {
  const Finished loaded = load_beside_it({folder_ / "in", "--jobs", "2"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  expect_right(6);
}

TEST_F(PartitionTrigger, RowsOfOneFileAreCounted) {
  const Finished loaded = load_beside_it({folder_ / "in/1.csv"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  expect_right(1);
}

TEST_F(PartitionTrigger, RowsOfInsertsAreCounted) {
  const Finished loaded = load_beside_it({folder_ / "in/1.csv", "--writer", "insert"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  expect_right(1);
}

TEST_F(PartitionTrigger, RowsOfChunksAreCounted) {
  std::string csv = "id,v\n";
  for (int i = 100; i < 1000; ++i) csv += std::to_string(i) + ",y\n";
  folder_.write("long.csv", csv);
  const std::vector<std::string> command{folder_ / "long.csv", "--chunk-size", "1KiB"};
  const Finished loaded = load_beside_it(command);
  EXPECT_THAT(loaded.err, ::testing::HasSubstr("trigger for INSERT")) << "the next chunk sees it";
  EXPECT_EQ(0, load(command).exit_code);
  EXPECT_EQ(899, db().number("select count(*) from t where id > 0"));
  EXPECT_EQ(1, db().number("select sum(rows_skipped) from pgsluice.loads"));
}

}  // namespace
}  // namespace sluice::test
