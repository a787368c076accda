#include <gmock/gmock.h>

#include "cli/every_command.hpp"
#include "support/database.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// A small file's cost must not grow with the ledger: of 10,000 loads with a million chunks no
/// statement reads all, whatever plan the server makes of it.
class LedgerPlans : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(tables_of_every_command);
    const std::string in = folder_.write("first.csv", "id,v,at\n1,a,today\n");
    ASSERT_EQ(0, pgsluice({"load", in, "-t", "u", "-d", url()}).exit_code);
    db().run("set session_replication_role = replica");  // a million times nothing to ask
    // Each under a name and with content of its own, into tables of which ours are some.
    db().run(R"(do $$ declare columns text; begin
        select string_agg(quote_ident(attname), ', ') into columns from pg_attribute
          where attrelid = 'pgsluice.loads'::regclass and attnum > 0 and attname not in
            ('load_id', 'fingerprint', 'head', 'source_path', 'target', 'target_oid', 'updates');
        execute format('insert into pgsluice.loads (fingerprint, head, source_path, target, target_oid,
            updates, %1$s) select md5(n::text), md5(n::text), ''/in/'' || n, ''public.x'' || n %% 100,
            1000000 + n %% 100, n %% 2 = 0, %1$s from pgsluice.loads, generate_series(1, 10000) n', columns);
        select string_agg(quote_ident(attname), ', ') into columns from pg_attribute
          where attrelid = 'pgsluice.chunks'::regclass and attnum > 0
            and attname not in ('load_id', 'chunk');
        execute format('insert into pgsluice.chunks (load_id, chunk, %1$s) select l.id, n, %1$s
            from pgsluice.chunks, (select load_id from pgsluice.loads) l (id), generate_series(1, 100) n', columns);
      end $$)");
    db().run("vacuum analyze pgsluice.loads");
    db().run("vacuum analyze pgsluice.chunks");
    EXPECT_EQ(1'000'101, db().number("select count(*) from pgsluice.chunks"));
    connect_again();  // as a session counts when it ends
    ASSERT_TRUE(
        comes_true("select pg_stat_get_tuples_returned('pgsluice.chunks'::regclass) > 1000000"));
  }

  /// Rows that the server has read by whole tables.
  std::int64_t read_by_scans(const std::string& table) {
    return db().number("select pg_stat_get_tuples_returned('pgsluice." + table + "'::regclass)");
  }
  void expect_few_read() {
    ASSERT_TRUE(no_session_left());
    for (const char* table : {"loads", "chunks"}) {
      const std::int64_t now = read_by_scans(table);
      EXPECT_LT(now - before_[table], 1000) << table;
      before_[table] = now;
    }
  }

  TemporaryFolder folder_;
  std::map<std::string, std::int64_t> before_;
};

TEST_F(LedgerPlans, NoStatementReadsAllOfTheLedger) {
  for (const char* table : {"loads", "chunks"}) before_[table] = read_by_scans(table);
  run_every_command(folder_, url(), {}, [this] { expect_few_read(); });
}

}  // namespace
}  // namespace sluice::test
