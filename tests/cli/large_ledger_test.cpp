#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

/// After years: whatever a command asks the ledger is some steps into an index, and not read from
/// all loads that there were.
class LargeLedger : public DatabaseTest {
 protected:
  static constexpr int loads = 60'000;

  void SetUp() override {
    db().run(
        "create table t (id int primary key, name text); create table other (id int, name text)");
    for (const char* table : {"t", "other"}) {
      const std::string first = folder_.write(std::string(table) + ".csv", "id,name\n1,first\n");
      ASSERT_EQ(0, pgsluice({"load", first, "-t", table, "-d", url()}).exit_code);
    }
    add_loads("true", loads / 2);
    db().run("analyze pgsluice.loads, pgsluice.chunks");
  }

  /// So many like each of those.
  void add_loads(const std::string& of, int count) {
    db().run(
        "insert into pgsluice.loads (target, target_oid, source, source_path, source_bytes, "
        "source_stamp, fingerprint, options, chunk_bytes, record_bytes_max, rejects_path, staged, "
        "origin, head, head_bytes, start, updates, state, finished_at, seconds, records_read, "
        "rows_stored, rows_skipped, marked) select target, target_oid, source || g, source_path || "
        "g, source_bytes, 'host 65024:' || g || ' 102 1.5 1.5', md5(target || g), options, "
        "chunk_bytes, record_bytes_max, rejects_path, staged, origin, md5(target || g || 'head'), "
        "1500 + g % 300, md5(target || g || 'start'), updates, state, finished_at, seconds, "
        "records_read, rows_stored, rows_skipped, marked from pgsluice.loads, generate_series(1, " +
        std::to_string(count) + ") g where " + of +
        "; insert into pgsluice.chunks (load_id, chunk, byte_offset, byte_count, first_line, "
        "first_record, records_read, rows_stored, rows_updated, rows_unchanged, rows_rejected, "
        "rows_skipped, rows_filtered, digest, line_count) select l.load_id, c.chunk, "
        "c.byte_offset, "
        "c.byte_count, c.first_line, c.first_record, c.records_read, c.rows_stored, "
        "c.rows_updated, "
        "c.rows_unchanged, c.rows_rejected, c.rows_skipped, c.rows_filtered, c.digest, "
        "c.line_count "
        "from pgsluice.loads l cross join (select * from pgsluice.chunks limit 1) c where "
        "not exists (select from pgsluice.chunks has where has.load_id = l.load_id)");
  }

  std::string file_of(int rows) {
    std::string text = "id,name\n";
    for (int i = 0; i < rows; ++i) text += std::to_string(++id_) + ",row\n";
    return folder_.write("f" + std::to_string(++files_) + ".csv", text);
  }
  std::int64_t rows_read() {
    EXPECT_TRUE(no_session_left());
    db().run("select pg_stat_clear_snapshot()");
    return db().number(
        "select (select coalesce(sum(seq_tup_read), 0) from pg_stat_user_tables where schemaname = "
        "'pgsluice' and relname in ('loads', 'chunks')) + (select coalesce(sum(idx_tup_read), 0) "
        "from pg_stat_user_indexes where schemaname = 'pgsluice' and relname in ('loads', "
        "'chunks'))");
  }
  void expect_steps(std::vector<std::string> command, int exit_code = 0) {
    SCOPED_TRACE(::testing::PrintToString(command));
    command.insert(command.end(), {"-d", url()});
    const std::int64_t before = rows_read();
    const Finished finished = pgsluice(command);
    EXPECT_EQ(exit_code, finished.exit_code) << finished.err;
    EXPECT_LT(rows_read() - before, loads / 4);
  }

  TemporaryFolder folder_;
  int id_ = 10;
  int files_ = 0;
};

TEST_F(LargeLedger, LoadsStepIntoIt) {
  const std::string small = file_of(10);
  expect_steps({"load", small, "-t", "t"});
  expect_steps({"load", small, "-t", "t"});
  expect_steps({"load", file_of(2'000), "-t", "t", "--chunk-size", "4K"});
  expect_steps({"load", file_of(2'000), "-t", "t", "--atomic"});
  expect_steps({"load", file_of(2'000), "-t", "t", "--atomic=resumable", "--chunk-size", "4K"});
  expect_steps({"load", file_of(2'000), "-t", "t", "--on-conflict", "update", "--key", "id",
                "--chunk-size", "4K"});
  const std::string upserted = file_of(10);
  expect_steps({"load", upserted, "-t", "t", "--on-conflict", "update", "--key", "id"});
  expect_steps({"load", upserted, "-t", "t", "--on-conflict", "update", "--key", "id"});
  expect_steps({"load", upserted, "-t", "t", "--on-conflict", "update", "--key", "id", "--again"});
  expect_steps({"load", file_of(100), "-t", "t", "--on-conflict", "update", "--key", "id",
                "--delete-missing", "--max-deletes", "100%"});
  expect_steps({"load", file_of(100), "-t", "other", "--replace", "id > 1"});
  expect_steps({"load", file_of(100), "-t", "other", "--defer-indexes"});
  expect_steps({"load", file_of(100), "-t", "other", "--join"});
  expect_steps({"load", file_of(100), "-t", "other", "--max-rejects", "5"});
  expect_steps({"check", file_of(100), "-t", "other"});
  expect_steps({"load", file_of(100), "-t", "other", "--dry-run"});
  const std::string grown = folder_.write("t.csv", "id,name\n1,first\n1000000,more\n");
  expect_steps({"load", grown, "-t", "t", "--grown", "append"});
}

/// The loads are other tables'.
TEST_F(LargeLedger, ATableWithoutLoadsStepsIntoIt) {
  db().run("create table rare (id int primary key, name text)");
  for (int i = 0; i < 2; ++i) {
    const std::string small = file_of(10);
    expect_steps({"load", small, "-t", "rare"});
    expect_steps({"load", small, "-t", "rare"});
    expect_steps({"load", file_of(2'000), "-t", "rare", "--chunk-size", "4K"});
    expect_steps({"load", file_of(10), "-t", "rare", "--on-conflict", "update", "--key", "id"});
    std::vector<std::string> command{"load", "-t", "rare"};
    for (int n = 0; n < 40; ++n) command.push_back(file_of(20));
    expect_steps(command);
    expect_steps(command);
  }
  expect_steps({"load", file_of(100), "-t", "rare", "--truncate"});
  db().run("truncate rare");
  expect_steps({"load", file_of(10), "-t", "rare"});
}

TEST_F(LargeLedger, ManyFilesStepIntoIt) {
  std::vector<std::string> command{"load", "-t", "other"};
  for (int i = 0; i < 100; ++i) command.push_back(file_of(20));
  expect_steps(command);
  expect_steps(command);
}

/// What the planner knows of the ledger is of before most of them.
TEST_F(LargeLedger, ManyFilesOfATableWhoseLoadsAreNewStepIntoIt) {
  db().run(
      "create table late (id int, name text); alter table pgsluice.loads set "
      "(autovacuum_enabled = off)");
  const std::string first = folder_.write("late.csv", "id,name\n1,first\n");
  ASSERT_EQ(0, pgsluice({"load", first, "-t", "late", "-d", url()}).exit_code);
  add_loads("target = 'public.late'", loads / 4);
  std::vector<std::string> command{"load"};
  for (int i = 0; i < 40; ++i) command.push_back(file_of(3 + i));
  command.insert(command.end(), {"-t", "late"});
  expect_steps(command);
  expect_steps({"load", file_of(2), "-t", "late"});
}

TEST_F(LargeLedger, ListsStepIntoIt) {
  expect_steps({"loads"});
  expect_steps({"loads", "show", "5"});
  expect_steps({"load", file_of(100), "-t", "other", "--select", "id, :load as name"});
}

}  // namespace
}  // namespace sluice::test
