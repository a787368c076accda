#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// The ledger's rows as somebody may have left them: each is named, nothing is stored, and the
/// table's rows and the ledger stay as they are.
class DamagedLedger : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table t (id int, v text)");
    one_ = folder_.write("one.csv", "id,v\n1,a\n2,b\n");
    ASSERT_EQ(0, load(one_).exit_code);
  }
  Finished load(const std::string& path, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"load", path, "-t", "t", "-d", url()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return pgsluice(arguments);
  }
  void expect_damaged(const std::string& change, const std::string& path) {
    db().run(
        "create table kept_loads as table pgsluice.loads; create table kept_chunks as table "
        "pgsluice.chunks");
    db().run(
        "update pgsluice.loads set source_stamp = 'x'; alter table pgsluice.chunks drop "
        "constraint if exists chunks_add_up");
    db().run(change);
    const std::string before = ledger();
    const Finished refused = load(path);
    EXPECT_EQ(1, refused.exit_code) << change << refused.err;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("the ledger's row of load 1 is damaged: "),
                                   HasSubstr("(load_id = 1)")))
        << change;
    EXPECT_EQ(before, ledger()) << change;
    EXPECT_EQ(2, db().number("select count(*) from t")) << change;
    db().run(
        "delete from pgsluice.loads; insert into pgsluice.loads overriding system value table "
        "kept_loads; insert into pgsluice.chunks table kept_chunks; drop table kept_loads, "
        "kept_chunks");
  }

  /// But for what a run that begins says of itself.
  std::string ledger() {
    return db().value(
               "select string_agg((to_jsonb(l) - 'runs' - 'seconds')::text, '') from "
               "pgsluice.loads l") +
           content("pgsluice.chunks");
  }

  TemporaryFolder folder_;
  std::string one_;
};

TEST_F(DamagedLedger, IsNamed) {
  std::vector<std::string> changes;
  for (const char* options :
       {"[]", "1", "null", "\"x\"", "true", R"({"begins": "x"})", R"({"begins": [1, 2, -3]})",
        R"({"begins": [1, 2]})", R"({"begins": [1, 2, 1.5]})", R"({"begins": [0, 1, 1e30]})",
        R"({"begins": {}})", R"({"begins": [1, 2, 18446744073709551615]})", R"({"limit": {}})",
        R"({"limit": -1})", R"({"limit": null})"})
    changes.push_back(std::string("update pgsluice.loads set options = '") + options + "'");
  for (const char* column : {"source_bytes", "chunk_bytes", "record_bytes_max", "rows_stored",
                             "rows_updated", "rows_unchanged", "rows_skipped"}) {
    for (const char* value : {"-1", "9223372036854775807"})
      changes.push_back(std::string("update pgsluice.loads set ") + column + " = " + value);
  }
  changes.emplace_back("update pgsluice.loads set chunk_bytes = 0");
  changes.emplace_back("update pgsluice.loads set chunk_bytes = 1::bigint << 40");
  changes.emplace_back("update pgsluice.loads set record_bytes_max = 1::bigint << 40");
  changes.emplace_back("update pgsluice.loads set behind_load = 1");
  changes.emplace_back("update pgsluice.loads set behind_load = 2");
  changes.emplace_back("update pgsluice.loads set behind_load = 0, options = options - 'begins'");
  for (const std::string& change : changes) {
    expect_damaged(change, one_);
    // Of an unfinished load its chunks count.
    if (change.find("set rows_") == std::string::npos)
      expect_damaged(change + ", state = 'unfinished', finished_at = null", one_);
  }
}

/// Chunks are looked at where the load is gone on with, compared, or appended to.
TEST_F(DamagedLedger, IsNamedForChunksToo) {
  const std::string grown = folder_.write("one.csv", "id,v\n1,a\n2,b\n3,c\n");
  for (const char* column :
       {"byte_offset", "byte_count", "records_read", "rows_stored", "rows_updated",
        "rows_unchanged", "rows_rejected", "rows_skipped", "first_line", "first_record"}) {
    for (const char* value : {"-1", "9223372036854775807"}) {
      const std::string change =
          std::string("update pgsluice.chunks set ") + column + " = " + value;
      expect_damaged(change, grown);
      expect_damaged(change +
                         "; update pgsluice.loads set state = 'unfinished', finished_at = "
                         "null",
                     folder_.write("one.csv", "id,v\n1,a\n2,b\n"));
      folder_.write("one.csv", "id,v\n1,a\n2,b\n3,c\n");
    }
  }
  folder_.write("one.csv", "id,v\n1,a\n2,b\n");
  expect_damaged(
      "update pgsluice.chunks set chunk = -1; update pgsluice.loads set state = "
      "'unfinished', finished_at = null",
      one_);
  expect_damaged(
      "update pgsluice.chunks set byte_count = 1::bigint << 40; update pgsluice.loads "
      "set state = 'unfinished', finished_at = null",
      one_);
}

/// What is not asked for is not needed.
TEST_F(DamagedLedger, StandsInNobodysWayWithAgain) {
  db().run("update pgsluice.loads set options = '[]', source_stamp = 'x', chunk_bytes = 0");
  const Finished again = load(one_, {"--again"});
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_EQ(4, db().number("select count(*) from t"));
  EXPECT_EQ(0, pgsluice({"loads", "show", "1", "-d", url()}).exit_code);
}

/// ... of who lists, prunes or gives up loads neither: the others are shown, and what is wrong with
/// this one.
TEST_F(DamagedLedger, StandsInNobodysWayWhoListsLoads) {
  const std::string two = folder_.write("two.csv", "id,v\n3,c\n");
  ASSERT_EQ(0, load(two).exit_code);
  for (const char* change :
       {"source_bytes = -1", "chunk_bytes = -1", "record_bytes_max = -1", "rows_stored = -1",
        "seconds = 'NaN'", "seconds = 'infinity'", "seconds = -1", "behind_load = 9"}) {
    SCOPED_TRACE(change);
    db().run(std::string("begin; create table kept as table pgsluice.loads; update pgsluice.loads "
                         "set ") +
             change + " where load_id = 1; commit");
    const Finished listed = pgsluice({"loads", "-d", url()});
    EXPECT_EQ(0, listed.exit_code) << listed.err;
    EXPECT_THAT(listed.out, AllOf(HasSubstr("two.csv"), HasSubstr("one.csv"),
                                  HasSubstr("the ledger's row of load 1 is damaged: "),
                                  HasSubstr("correct it, or delete the row")));
    const Finished json = pgsluice({"loads", "-d", url(), "--output", "json"});
    EXPECT_EQ(0, json.exit_code) << json.err;
    EXPECT_THAT(json.out, AllOf(HasSubstr("two.csv"), HasSubstr("\"damage\"")));
    const Finished shown = pgsluice({"loads", "show", "1", "-d", url()});
    EXPECT_EQ(1, shown.exit_code);
    EXPECT_THAT(shown.err, HasSubstr("the ledger's row of load 1 is damaged: "));
    EXPECT_EQ(0, pgsluice({"loads", "show", "2", "-d", url()}).exit_code);
    EXPECT_THAT(load(two).out, HasSubstr("nothing to do"));
    EXPECT_EQ(0, load(folder_.write("new.csv", "id,v\n4,d\n"), {"--again"}).exit_code);
    EXPECT_EQ(0, pgsluice({"loads", "prune", "--older", "1d", "-d", url()}).exit_code);
    db().run(
        "update pgsluice.loads set state = 'unfinished', finished_at = null where load_id = 1");
    EXPECT_EQ(0, pgsluice({"loads", "forget", "1", "-d", url()}).exit_code);
    db().run(
        "delete from pgsluice.loads where load_id = 1; insert into pgsluice.loads overriding "
        "system value select * from kept where load_id = 1; drop table kept");
  }
  db().run(
      "update pgsluice.loads set options = (repeat('9', 400) || '')::jsonb where load_id = 1; "
      "alter table pgsluice.chunks drop constraint chunks_add_up; update pgsluice.chunks set "
      "rows_stored = -1 where load_id = 2");
  EXPECT_EQ(0, pgsluice({"loads", "-d", url(), "--output", "json"}).exit_code);
  db().run("update pgsluice.loads set state = 'unfinished', finished_at = null");
  for (const char* id : {"1", "2"})
    EXPECT_EQ(0, pgsluice({"loads", "forget", id, "-d", url()}).exit_code) << id;
}

}  // namespace
}  // namespace sluice::test
