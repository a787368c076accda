#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/patience.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// `loads undo`: a load is taken out of its table again.
class Undo : public DatabaseTest {
 protected:
  void SetUp() override { db().run("create table t (id int, v text, load bigint)"); }
  Finished run(std::vector<std::string> arguments, const std::string& as = "") const {
    arguments.insert(arguments.end(), {"-d", as.empty() ? url() : as});
    return pgsluice(std::move(arguments));
  }
  Finished load(const std::string& name, const std::string& csv,
                std::vector<std::string> flags = {}) {
    std::vector<std::string> all{
        "load", folder_.write(name, csv), "-t", "t", "--add", "load=:load", "--progress", "none"};
    all.insert(all.end(), flags.begin(), flags.end());
    return run(all);
  }
  Finished undo(const std::string& id, std::vector<std::string> more = {},
                const std::string& as = "") {
    std::vector<std::string> all{"loads", "undo", id, "--table", "t", "--column", "load"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all, as);
  }
  std::string table() {
    return db().value(
        "select coalesce(string_agg(concat_ws('|', id, load), ' ' order by id), '') from t");
  }
  std::string state(const std::string& id = "1") {
    return db().value("select state from pgsluice.loads where load_id = " + id);
  }

  TemporaryFolder folder_;
};

/// What a load has deleted does not come back with it: the file that had brought it is applied
/// again.
TEST_F(Undo, LeavesAFileToLoadWhoseRowsItHadDeleted) {
  const std::vector<std::string> flags{"--replace", "v = 'mon'"};
  ASSERT_EQ(0, load("a.csv", "id,v\n1,mon\n2,mon\n", flags).exit_code);
  ASSERT_EQ(0, load("b.csv", "id,v\n3,mon\n", flags).exit_code);
  EXPECT_EQ("3|2", table());
  ASSERT_EQ(0, undo("2").exit_code);
  ASSERT_EQ(0, load("a.csv", "id,v\n1,mon\n2,mon\n", flags).exit_code);
  EXPECT_EQ("1|3 2|3", table());
}

TEST_F(Undo, TakesTheRowsOfOneLoadOut) {
  ASSERT_EQ(0, load("a.csv", "id\n1\n2\n").exit_code);
  ASSERT_EQ(0, load("b.csv", "id\n3\n").exit_code);
  db().run("insert into t values (9, 'by hand', null)");
  EXPECT_THAT(run({"loads", "show", "1"}).out,
              HasSubstr("pgsluice loads undo 1 --table public.t --column load takes its rows out"));
  const auto shown = nlohmann::json::parse(run({"loads", "show", "1", "--output", "json"}).out);
  EXPECT_EQ(true, shown["undo"]["possible"]);
  EXPECT_EQ("load", shown["undo"]["column"]);
  EXPECT_THAT(
      undo("1", {"--dry-run"}).out,
      AllOf(HasSubstr("would delete 2 rows of load 1 from public.t"), HasSubstr("in column load")));
  EXPECT_EQ("1|1 2|1 3|2 9", table());
  const auto json = nlohmann::json::parse(undo("1", {"--output", "json"}).out);
  EXPECT_EQ("loads undo", json["command"]);
  EXPECT_EQ(2, json["rows_deleted"]);
  EXPECT_EQ(true, json["is_done"]);
  EXPECT_EQ("3|2 9", table());
  EXPECT_EQ("void", state());
  EXPECT_EQ("2", db().value("select rows_undone from pgsluice.loads where load_id = 1"));
  const Finished once_more = undo("1");
  EXPECT_EQ(0, once_more.exit_code);
  EXPECT_THAT(once_more.out, HasSubstr("nothing to do: load 1 is taken out already"));
  // It is known no more.
  ASSERT_EQ(0, load("a.csv", "id\n1\n2\n").exit_code);
  EXPECT_EQ("1|3 2|3 3|2 9", table());
  EXPECT_TRUE(no_session_left());
}

/// The kinds of columns, tables and ways in.
TEST_F(Undo, WorksWhateverTheTableIs) {
  for (
      const char* make :
      {"create table t (id int, load int)", "create table t (id int, load smallint)",
       "create table t (id int, load numeric)", "create table t (id int, load text)",
       "create table t (id int, load varchar(9))",
       "create domain numbered as bigint; create table t (id int, load numbered)",
       "create table t (id int, load bigint); create index on t (load)",
       "create table t (id int, load bigint) partition by range (id); create table t1 partition of "
       "t for values from (0) to (50); create table t2 partition of t for values from (50) to "
       "(1000) partition by hash (id); create table t3 partition of t2 for values with (modulus 1, "
       "remainder 0)",
       "create unlogged table t (id int, load bigint)",
       "create table t (id int, load bigint); create table child () inherits (t); insert into "
       "child values (7, 1)"}) {
    SCOPED_TRACE(make);
    db().run(std::string("drop table if exists t cascade; drop schema if exists pgsluice cascade; "
                         "drop domain if exists numbered; ") +
             make);
    std::string csv = "id\n";
    for (int i = 1; i <= 100; ++i) csv += std::to_string(i) + "\n";
    ASSERT_EQ(0, load("a.csv", csv, {"--chunk-size", "50"}).exit_code);
    ASSERT_EQ(0, load("b.csv", "id\n200\n").exit_code);
    const Finished undone = undo("1");
    EXPECT_EQ(0, undone.exit_code) << undone.err;
    EXPECT_THAT(undone.out, HasSubstr("deleted 100 rows"));
    EXPECT_EQ("200", db().value("select string_agg(id::text, ' ') from t where id <> 7"));
  }
}

/// A file of a load that is half taken out is not loaded beside what is left of it.
TEST_F(Undo, ThatIsHalfDoneGoesOnAndNothingElseDoes) {
  ASSERT_EQ(0, load("a.csv", "id\n1\n2\n").exit_code);
  db().run(
      "update pgsluice.loads set state = 'undoing', rows_undone = 1; delete from t where id = 1");
  const Finished refused = run({"load", folder_ / "a.csv", "-t", "t", "--add", "load=:load"});
  EXPECT_EQ(7, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("is being taken out again"));
  EXPECT_EQ(1, run({"loads", "forget", "1"}).exit_code);
  EXPECT_THAT(run({"loads"}).out, AllOf(HasSubstr("  undoing  "), HasSubstr("undoing: its rows")));
  EXPECT_THAT(run({"loads", "--state", "undoing"}).out, HasSubstr("a.csv"));
  EXPECT_THAT(run({"loads", "show", "1"}).out, HasSubstr("goes on with taking its rows out"));
  EXPECT_THAT(run({"loads", "prune", "--older", "0s", "--finished"}).out, HasSubstr("pruned 0"));
  const Finished undone = undo("1");
  EXPECT_EQ(0, undone.exit_code) << undone.err;
  EXPECT_EQ("", table());
  EXPECT_EQ("void", state());
  EXPECT_EQ(0, run({"load", folder_ / "a.csv", "-t", "t", "--add", "load=:load"}).exit_code);
  EXPECT_EQ("1|2 2|2", table());
}

/// What a load has left that was not finished, given up or not.
TEST_F(Undo, TakesOutWhatAnUnfinishedLoadHasStored) {
  for (const bool is_forgotten : {false, true}) {
    SCOPED_TRACE(is_forgotten);
    db().run("truncate t; drop schema if exists pgsluice cascade");
    ASSERT_EQ(1, load("a.csv", "id\n1\n2\nx\n", {"--chunk-size", "2"}).exit_code);
    ASSERT_NE("", table());
    if (is_forgotten) {
      ASSERT_EQ(0, run({"loads", "forget", "1"}).exit_code);
    }
    const Finished undone = undo("1");
    EXPECT_EQ(0, undone.exit_code) << undone.err;
    EXPECT_EQ("", table());
    ASSERT_EQ(1, load("a.csv", "id\n1\n2\nx\n", {"--chunk-size", "2"}).exit_code);
    EXPECT_EQ("2", db().value("select max(load) from t"));
  }
}

TEST_F(Undo, IsRefusedWhereItCannotBeExact) {
  db().run("alter table t add primary key (id)");
  ASSERT_EQ(0, load("plain.csv", "id\n1\n").exit_code);
  ASSERT_EQ(0, run({"load", folder_.write("none.csv", "id\n2\n"), "-t", "t"}).exit_code);
  ASSERT_EQ(0, load("upsert.csv", "id\n3\n", {"--on-conflict", "update"}).exit_code);
  ASSERT_EQ(
      1, load("staged.csv", "id\n4\nx\n", {"--atomic=resumable", "--chunk-size", "2"}).exit_code);
  const std::string before = table();
  for (const auto& [id, why] :
       {std::pair{"2", "do not have its number"}, std::pair{"3", "it updated rows"},
        std::pair{"4", "loads forget gives them up"}, std::pair{"77", "there is no load 77"}}) {
    SCOPED_TRACE(why);
    const Finished refused = undo(id);
    EXPECT_EQ(1, refused.exit_code);
    EXPECT_THAT(refused.err, HasSubstr(why));
    if (std::string(id) != "77") {
      EXPECT_THAT(run({"loads", "show", id}).out, HasSubstr("cannot be taken out"));
    }
  }
  for (const auto& [table, column, why] :
       {std::tuple{"u", "load", "u"}, std::tuple{"t", "id", "--column says id"},
        std::tuple{"t", "nix", "--column says nix"},
        std::tuple{"other", "load", "another table"}}) {
    SCOPED_TRACE(why);
    db().run(
        "create table if not exists other (id int, load bigint); insert into other values (5, 1)");
    const Finished refused = run({"loads", "undo", "1", "--table", table, "--column", column});
    EXPECT_EQ(1, refused.exit_code);
    EXPECT_THAT(refused.err, HasSubstr(why));
  }
  EXPECT_EQ(2, run({"loads", "undo", "1"}).exit_code);
  EXPECT_EQ(before, table());
  EXPECT_EQ("finished", state());
  db().run("create rule r as on delete to t do instead nothing");
  EXPECT_THAT(undo("1").err, HasSubstr("rules for DELETE"));
  db().run(
      "drop rule r on t; create function keep() returns trigger language plpgsql as $$ begin "
      "return null; end $$; create trigger k before delete on t for each row execute function "
      "keep()");
  EXPECT_THAT(undo("1").err, HasSubstr("keeps rows of it"));
  EXPECT_EQ(before, table());
  db().run("drop trigger k on t");
  EXPECT_EQ(0, undo("1").exit_code);
}

/// The ledger belongs to somebody who may say anything of anybody's tables.
TEST_F(Undo, KnowsTheNumberThatAListHasGiven) {
  folder_.write("s.csv", "id\n1\n2\n");
  const auto select = [this](const std::string& list) {
    return run({"load", folder_ / "s.csv", "--table", "t", "--select", list, "--again"});
  };
  ASSERT_EQ(0, select("id::int, :load as load").exit_code);
  ASSERT_EQ(0, select(":load load, id::int + 10 as id").exit_code);
  ASSERT_EQ(0, select("id::int + 20 as id, :load + 0 as load").exit_code);
  EXPECT_EQ(0, undo("1").exit_code);
  EXPECT_EQ("11|2 12|2 21|3 22|3", table());
  EXPECT_EQ(0, undo("2").exit_code);
  EXPECT_THAT(undo("3").err, HasSubstr(":load as COLUMN in --select"));
  EXPECT_EQ("21|3 22|3", table());
}

TEST_F(Undo, SaysThatItsColumnHasAnotherName) {
  ASSERT_EQ(0, load("a.csv", "id\n1\n2\n").exit_code);
  db().run("alter table t rename load to batch");
  const Finished refused = run({"loads", "undo", "1", "--table", "t", "--column", "batch"});
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err,
              HasSubstr("its number was in column load, which public.t does not have"));
}

TEST_F(Undo, DeletesOnlyWhatItsUserNamesAndMayDelete) {
  ASSERT_EQ(0, load("a.csv", "id\n1\n2\n").exit_code);
  db().run(
      "create table accounts (id int, number bigint); insert into accounts values (1, 1), (2, 2)");
  // The load is said to have gone into another table, by another column.
  db().run(
      "update pgsluice.loads set target = 'public.accounts', target_oid = 'accounts'::regclass, "
      "options = '{\"add\": {\"number\": \":load\"}}'");
  EXPECT_EQ(1, undo("1").exit_code);
  EXPECT_EQ(1, run({"loads", "undo", "1", "--table", "accounts", "--column", "load"}).exit_code);
  EXPECT_EQ(2, db().number("select count(*) from accounts"));
  EXPECT_EQ(2, db().number("select count(*) from t"));
  // Texts that would be more than names.
  for (const char* column : {"number\\\" = 1 or true --", "number; drop table accounts"}) {
    db().run(std::string("update pgsluice.loads set options = '{\"add\": {\"") + column +
             "\": \":load\"}}'");
    EXPECT_EQ(1,
              run({"loads", "undo", "1", "--table", "accounts", "--column", "number"}).exit_code);
  }
  EXPECT_EQ(2, db().number("select count(*) from accounts"));
  for (const char* options : {"[]", "{\"add\": []}", "{\"add\": {\"load\": 1}}", "1", "\"x\""}) {
    db().run(std::string("update pgsluice.loads set options = '") + options + "'");
    EXPECT_EQ(1, undo("1").exit_code) << options;
    EXPECT_EQ(0, run({"loads", "show", "1"}).exit_code) << options;
  }
}

TEST_F(Undo, NeedsTheUsersOwnRights) {
  const std::string low = url_of_new_role("undo_low");
  ASSERT_EQ(0, load("a.csv", "id\n1\n2\n").exit_code);
  db().run(
      "grant insert, select on t to undo_low; grant usage on schema pgsluice to undo_low; grant "
      "select, insert, update on all tables in schema pgsluice to undo_low; grant usage on all "
      "sequences in schema pgsluice to undo_low");
  const Finished refused = undo("1", {}, low);
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("permission denied for table t"));
  EXPECT_EQ("finished", state()) << "nothing was begun";
  db().run("grant delete on t to undo_low");
  EXPECT_EQ(0, undo("1", {}, low).exit_code);
  EXPECT_EQ("", table());
  db().run("drop owned by undo_low; drop role undo_low");
}

TEST_F(Undo, WaitsForNoRunThatIsAtWork) {
  const std::string path = folder_.write("big.csv", "id\n" + std::string(3 << 20, '1') + "\n");
  db().run("begin; lock table t");
  Process running({"load", path, "-t", "t", "-d", url(), "--chunk-size", "1MiB", "--add",
                   "load=:load", "--max-rejects", "9", "--max-record-bytes", "4MiB"});
  ASSERT_TRUE(is_seen([this] {
    return run({"loads", "--state", "running"}).out.find("big") != std::string::npos;
  }));
  running.signal(SIGSTOP);
  db().run("rollback");
  Session other(url());
  const Finished refused = undo("1");
  running.signal(SIGCONT);
  running.signal(SIGKILL);
  running.wait();
  EXPECT_EQ(6, refused.exit_code) << refused.err;
}

TEST_F(Undo, FindsNamesThatNeedQuotes) {
  db().run(
      "create schema \"S; x\"; create table \"S; x\".\"T \"\"q\"\"\" (id int, \"Load; --\" "
      "bigint)");
  const std::string name = "\"S; x\".\"T \"\"q\"\"\"";
  ASSERT_EQ(
      0, run({"load", folder_.write("odd.csv", "id\n1\n"), "-t", name, "--add", "Load; --=:load"})
             .exit_code);
  const Finished undone = run({"loads", "undo", "1", "--table", name, "--column", "Load; --"});
  EXPECT_EQ(0, undone.exit_code) << undone.err;
  EXPECT_EQ(0, db().number("select count(*) from " + name));
}

}  // namespace
}  // namespace sluice::test
