#include <gmock/gmock.h>

#include <csignal>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/loading.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// --defer-indexes: whatever happens, the table ends with the indexes that it had.
class DeferIndexes : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(
        "create table t (id int primary key, v int check (v <> 13), w text unique);"
        "create index by_v on t (v) include (id) with (fillfactor = 70) where v > 0;"
        "comment on index by_v is 'it''s by v';"
        "create index \"By Text\" on t (lower(w) text_pattern_ops, v desc nulls last);"
        "alter index \"By Text\" alter column 1 set statistics 500;"
        "alter index by_v depends on extension plpgsql;"
        "create index clustering on t (v, id); alter table t cluster on clustering;"
        "create schema other; create function other.twice(int) returns int immutable language sql "
        "as 'select 2 * $1'; create index by_function on t (other.twice(id))");
    before_ = indexes();
    options_.table = "t";
    options_.defer_indexes = true;
  }

  /// All that \d+ and the catalogs say of the indexes of t.
  std::string indexes() {
    return db().value(
        "select string_agg(concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisclustered, "
        "i.indisunique, obj_description(i.indexrelid), (select string_agg(a.attstattarget::text, "
        "',' order by attnum) from pg_attribute a where a.attrelid = i.indexrelid), (select "
        "string_agg(e.extname, ',') from pg_depend d join "
        "pg_extension e on e.oid = d.refobjid where d.objid = i.indexrelid and d.deptype = 'x')), "
        "E'\\n' order "
        "by i.indexrelid::regclass::text) from pg_index i where indrelid = 't'::regclass");
  }
  std::int64_t missing() { return db().number("select count(*) from pgsluice.deferred_indexes"); }

  static std::string csv(int first, int last) {
    std::string text = "id,v,w\n";
    for (int i = first; i <= last; ++i)
      text += std::to_string(i) + "," + std::to_string(i) + ",w" + std::to_string(i) + "\n";
    return text;
  }

  std::string before_;
  TemporaryFolder folder_;
  plan::LoadOptions options_;
};

TEST_F(DeferIndexes, AreBuiltAgainAsTheyWere) {
  // One whose rows are in, and one of many chunks.
  for (const std::size_t chunk_bytes : {std::size_t{64}, std::size_t{1} << 20}) {
    options_.path = folder_.write("in.csv", csv(1, 12));
    options_.chunk_bytes = chunk_bytes;
    options_.again = options_.truncate = true;
    const Loaded loaded = run_load(url(), options_);
    ASSERT_TRUE(loaded.ok()) << loaded.message;
    ASSERT_EQ(3U, loaded.report.notes.size());
    EXPECT_EQ("dropped 3 indexes of public.t until the rows are in", loaded.report.notes[0]);
    EXPECT_THAT(loaded.report.notes[1], HasSubstr("kept 1 index of public.t, which may refuse"));
    EXPECT_THAT(loaded.report.notes[1], HasSubstr(": public.by_function"));
    EXPECT_THAT(loaded.report.notes[2], HasSubstr("built 3 indexes again in"));
    EXPECT_EQ(before_, indexes());
    EXPECT_EQ(0, missing());
    EXPECT_EQ(12, db().number("select count(*) from t"));
  }
}

TEST_F(DeferIndexes, WaitForTheLoadThatFailed) {
  options_.path = folder_.write("in.csv", csv(1, 40));
  options_.chunk_bytes = 64;
  const Loaded failed = run_load(url(), options_);
  EXPECT_FALSE(failed.ok());
  EXPECT_THAT(failed.report.notes.back(), HasSubstr("pgsluice loads restore 1 does so now"));
  EXPECT_EQ(3, missing());
  EXPECT_NE(before_, indexes());
  const Finished shown = pgsluice({"loads", "show", "1", "-d", url()});
  EXPECT_THAT(shown.out, HasSubstr("missing index  public.\"By Text\""));

  db().run("alter table t drop constraint t_v_check");
  options_.defer_indexes = false;  // the load remembers
  const Loaded resumed = run_load(url(), options_);
  ASSERT_TRUE(resumed.ok()) << resumed.message;
  EXPECT_TRUE(resumed.report.resumed);
  EXPECT_EQ(before_, indexes());
  EXPECT_EQ(0, missing());
}

TEST_F(DeferIndexes, CanBeRestoredWithoutTheLoad) {
  options_.path = folder_.write("in.csv", csv(1, 40));
  EXPECT_FALSE(run_load(url(), options_).ok());
  db().run("create index by_v on t (id)");  // somebody helped himself to a name
  const Finished restored = pgsluice({"loads", "restore", "1", "-d", url()});
  EXPECT_EQ(0, restored.exit_code) << restored.err;
  EXPECT_THAT(restored.out, HasSubstr("built public.clustering again"));
  EXPECT_THAT(restored.out, HasSubstr("public.by_v is there already"));
  EXPECT_EQ(0, missing());
  db().run("drop index by_v");
  EXPECT_THAT(before_, HasSubstr(indexes().substr(0, 40)));
  const Finished again = pgsluice({"loads", "restore", "1", "-d", url()});
  EXPECT_EQ(0, again.exit_code);
  EXPECT_THAT(again.out, HasSubstr("nothing to do: load 1 has no index to build again"));
  EXPECT_EQ(1, pgsluice({"loads", "restore", "7", "-d", url()}).exit_code);
}

TEST_F(DeferIndexes, AreBuiltOnceForSeveralFiles) {
  const std::string first = folder_.write("a.csv", csv(1, 5));
  const std::string second = folder_.write("b.csv", csv(6, 9));
  const std::vector<std::string> command{"load", first, second, "--table",
                                         "t",    "-d",  url(),  "--defer-indexes"};
  const Finished loaded = pgsluice(command);
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ(loaded.err.find("built 3 indexes again"), loaded.err.rfind("built 3 indexes again"));
  EXPECT_THAT(loaded.err, HasSubstr("built 3 indexes again"));
  EXPECT_EQ(before_, indexes());
  EXPECT_EQ(9, db().number("select count(*) from t"));
  EXPECT_EQ(0, pgsluice(command).exit_code);
  EXPECT_EQ(before_, indexes());
}

TEST_F(DeferIndexes, RefuseWhatCannotBeUndone) {
  const std::string path = folder_.write("a.csv", csv(1, 5));
  const Finished unsafe =
      pgsluice({"load", path, "-t", "t", "-d", url(), "--defer-indexes", "--no-ledger"});
  EXPECT_EQ(2, unsafe.exit_code);
  EXPECT_THAT(unsafe.err, HasSubstr("leave out --no-ledger"));
  db().run("create table p (id int, v int, w text) partition by range (id)");
  const Finished partitioned = pgsluice({"load", path, "-t", "p", "-d", url(), "--defer-indexes"});
  EXPECT_EQ(2, partitioned.exit_code);
  EXPECT_THAT(partitioned.err, HasSubstr("load its partitions one by one"));
  const Finished dry =
      pgsluice({"load", path, "-t", "t", "-d", url(), "--defer-indexes", "--dry-run"});
  EXPECT_THAT(dry.out,
              HasSubstr("built later  public.\"By Text\", public.by_v, public.clustering"));
  EXPECT_EQ(before_, indexes());
}

/// A kill while the indexes are gone loses none of them.
/// While a load is unfinished somebody makes an index again, or another one of its name: that is
/// the one that the table has in the end.
TEST_F(DeferIndexes, MadeAgainMeanwhileAreDeferredAgain) {
  for (const char* definition :
       {"t (v) include (id) with (fillfactor = 70) where v > 0", "t (v)"}) {
    SCOPED_TRACE(definition);
    options_.path = folder_.write("in.csv", csv(1, 1000) + "1001,13,refused\n" + csv(1, 1));
    options_.chunk_bytes = 2000;
    options_.jobs = 1;
    EXPECT_FALSE(run_load(url(), options_).ok());
    EXPECT_GT(missing(), 0);
    db().run(std::string("create index by_v on ") + definition);
    options_.rejects.rejects_max = 10;
    const Loaded loaded = run_load(url(), options_);
    ASSERT_TRUE(loaded.ok()) << loaded.message;
    EXPECT_TRUE(loaded.report.resumed);
    EXPECT_EQ(0, missing());
    EXPECT_EQ(std::string("CREATE INDEX by_v ON public.t USING btree (v)"),
              db().value("select left(pg_get_indexdef('by_v'::regclass), 45)"));
    EXPECT_EQ(std::string(definition).ends_with(")") ? "f" : "t",
              db().value("select indpred is not null from pg_index where indexrelid = "
                         "'by_v'::regclass"));
    options_.rejects.rejects_max.reset();
    db().run("truncate t; truncate pgsluice.loads cascade");
  }
}

TEST_F(DeferIndexes, SurviveAKill) {
  const std::string path = folder_.write("in.csv", csv(20, 40));
  db().run(
      "create function nothing() returns trigger language plpgsql as $$ begin return new; end $$; "
      "create trigger nothing before insert on t for each row execute function nothing()");
  Gate gate(url(), "t", "true");
  const std::vector<std::string> command{"load", path, "-t", "t", "-d", url(), "--defer-indexes"};
  {
    Process killed(command);
    ASSERT_TRUE(comes_true("select to_regclass('by_v') is null"));
    killed.signal(SIGKILL);
    EXPECT_EQ(128 + SIGKILL, killed.wait().exit_code);
  }
  gate.open();
  EXPECT_TRUE(no_session_left());
  EXPECT_EQ(2, missing()) << "a trigger may make a text longer, so one stays";
  EXPECT_EQ(0, pgsluice(command).exit_code);
  EXPECT_EQ(before_, indexes());
  EXPECT_EQ(21, db().number("select count(*) from t"));
  EXPECT_EQ("", ledger_disagreement("t"));
}

}  // namespace
}  // namespace sluice::test
