#include <gmock/gmock.h>

#include <chrono>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/patience.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// --after-sql: what the transaction runs that finishes a load.
class AfterSql : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table t (id int, v text); create table said (what text, load bigint)");
    csv_ = folder_.write("in.csv", "id,v\n1,a\n2,b\n3,c\n");
  }
  Finished load(const std::string& sql, std::vector<std::string> flags = {},
                const std::string& as = "") {
    folder_.write("after.sql", sql);
    std::vector<std::string> all{"load",         csv_,
                                 "-t",           "t",
                                 "-d",           as.empty() ? url() : as,
                                 "--progress",   "none",
                                 "--after-sql",  folder_ / "after.sql",
                                 "--chunk-size", "8"};
    all.insert(all.end(), flags.begin(), flags.end());
    return pgsluice(all);
  }
  std::string states() {
    return db().value("select string_agg(state, ' ' order by load_id) from pgsluice.loads");
  }
  std::int64_t rows() { return db().number("select count(*) from t"); }
  std::int64_t said() { return db().number("select count(*) from said"); }

  TemporaryFolder folder_;
  std::string csv_;
};

constexpr const char* says = "insert into said select 'rows', count(*) from t;\n";

TEST_F(AfterSql, RunsOnceWhenAllRowsAreThere) {
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{}, {"--atomic"}, {"--writer", "insert"}}) {
    db().run("truncate t, said; drop schema if exists pgsluice cascade");
    const Finished loaded = load(says, flags);
    EXPECT_EQ(0, loaded.exit_code) << loaded.err;
    EXPECT_EQ("3", db().value("select load from said"));
    EXPECT_EQ("finished", states());
    EXPECT_THAT(load(says, flags).out, HasSubstr("nothing to do"));
    EXPECT_EQ(1, said());
    EXPECT_TRUE(no_session_left());
  }
}

TEST_F(AfterSql, ThatFailsLeavesTheLoadUnfinishedAndIsRunAgain) {
  for (const bool is_atomic : {false, true}) {
    SCOPED_TRACE(is_atomic);
    db().run("truncate t, said; drop schema if exists pgsluice cascade; drop table if exists late");
    const std::vector<std::string> flags =
        is_atomic ? std::vector<std::string>{"--atomic=resumable"} : std::vector<std::string>{};
    const std::string sql =
        std::string(says) + "-- a comment\ninsert into said\n  select v, 1 from \xc3\xa4late;\n";
    const Finished failed = load(sql, flags);
    EXPECT_EQ(1, failed.exit_code);
    EXPECT_THAT(failed.err,
                AllOf(HasSubstr("after.sql:4:20: relation"), HasSubstr("SQLSTATE 42P01"),
                      HasSubstr("| insert into said"), HasSubstr("runs it as it is then"),
                      HasSubstr(is_atomic ? "nothing is published" : "stay in the table")));
    EXPECT_EQ(is_atomic ? 0 : 3, rows());
    EXPECT_EQ(0, said());
    EXPECT_EQ("unfinished", states());
    db().run("create table \xc3\xa4late (v text); insert into \xc3\xa4late values ('x')");
    const Finished loaded = load(sql, flags);
    EXPECT_EQ(0, loaded.exit_code) << loaded.err;
    EXPECT_EQ(3, rows());
    EXPECT_EQ(2, said());
    EXPECT_EQ("finished", states());
    db().run("drop table \xc3\xa4late");
  }
}

/// Nothing of the file has run: a mistake in it is mended there, and no row comes twice.
TEST_F(AfterSql, ThatWasMendedFinishesTheLoadThatItHasFailed) {
  for (const bool is_atomic : {false, true}) {
    SCOPED_TRACE(is_atomic);
    db().run("truncate t, said; drop schema if exists pgsluice cascade");
    const std::vector<std::string> flags =
        is_atomic ? std::vector<std::string>{"--atomic=resumable"} : std::vector<std::string>{};
    EXPECT_EQ(1, load("insert into no_such select 1;", flags).exit_code);
    const Finished loaded = load(says, flags);
    EXPECT_EQ(0, loaded.exit_code) << loaded.err;
    EXPECT_THAT(loaded.err, HasSubstr("resuming load 1"));
    EXPECT_EQ(3, rows());
    EXPECT_EQ(1, said());
    EXPECT_EQ("finished", states());
    // It is the load of the text that has run.
    EXPECT_THAT(load(says, flags).out, HasSubstr("nothing to do"));
    EXPECT_EQ(7, load("select 1;", flags).exit_code);
  }
}

/// What decides what comes out is a part of what a load is.
TEST_F(AfterSql, OfAnotherTextIsAnotherLoad) {
  ASSERT_EQ(0, load(says).exit_code);
  const Finished other = load("select 1;");
  EXPECT_EQ(7, other.exit_code);
  EXPECT_THAT(other.err,
              AllOf(HasSubstr("with other options"), HasSubstr("--after-sql: another text then")));
  // CRLF and a byte-order mark are no other text.
  EXPECT_THAT(load("\xef\xbb\xbfinsert into said select 'rows', count(*) from t;\r\n").out,
              HasSubstr("nothing to do"));
  EXPECT_EQ(1, said());
}

TEST_F(AfterSql, IsJudgedBeforeTheFirstRow) {
  for (const auto& [sql, why] :
       {std::pair{"select 1;\nbegin;", ":2:1: BEGIN"}, std::pair{"commit;", ":1:1: COMMIT"},
        std::pair{"prepare transaction 'x';", ":1:1: PREPARE"},
        std::pair{"select 1;\n\\i other.sql", ":2:1: \\i: a command of psql"},
        std::pair{"\ncopy t from stdin;", ":2:1: COPY FROM STDIN"},
        std::pair{"copy t to stdout;", ":1:1: COPY FROM STDIN"},
        std::pair{"select 'open", ":1:8: this quote"}, std::pair{"-- nothing\n", "no statement"},
        std::pair{"-- pgsluice: no-transaction\nselect 1;", "directives are for migrations"}}) {
    SCOPED_TRACE(sql);
    const Finished refused = load(sql);
    EXPECT_EQ(2, refused.exit_code);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("--after-sql"), HasSubstr(why)));
  }
  EXPECT_EQ(2, load(says, {"--no-ledger"}).exit_code);
  const Finished gone = pgsluice({"load", csv_, "-t", "t", "-d", url(), "--after-sql", "/nowhere"});
  EXPECT_EQ(2, gone.exit_code);
  EXPECT_THAT(gone.err, HasSubstr("--after-sql /nowhere"));
  EXPECT_EQ(0, rows());
  EXPECT_EQ("f", db().value("select to_regnamespace('pgsluice') is not null"));
}

/// Whoever it becomes, and whatever it sets, stays in its transaction.
TEST_F(AfterSql, LeavesNothingToWhatComesBehindIt) {
  const std::string low = url_of_new_role("after_low");
  db().run("create schema shadow; create table shadow.t (id int, v text)");
  const std::string sql =
      "set role after_low; reset role; set search_path = shadow; set default_transaction_read_only "
      "= on; set session characteristics as transaction read only; create temporary table "
      "left_behind (a int); set role after_low;";
  const std::string second = folder_.write("in2.csv", "id,v\n4,d\n");
  const Finished loaded = load(sql, {second, "--jobs", "2"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ(4, rows());
  EXPECT_EQ("finished finished", states());
  EXPECT_EQ(0, db().number("select count(*) from shadow.t"));
  db().run("drop owned by after_low; drop role after_low");
}

/// The user's own path, in which the schema of the ledger does not count.
TEST_F(AfterSql, RunsInTheUsersPath) {
  db().run("create schema mine; alter database \"" + db().value("select current_database()") +
           "\" set search_path = mine, public");
  const Finished loaded = load("create table made (a int);");
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("mine", db().value("select relnamespace::regnamespace from pg_class where relname = "
                               "'made'"));
}

/// A constraint that is deferred is judged with it, and so is what the records have done to it.
TEST_F(AfterSql, MayPutRightWhatADeferredConstraintWants) {
  db().run(
      "create table parents (id int primary key); alter table t add foreign key (id) references "
      "parents deferrable initially deferred");
  const std::string parents = "insert into parents select distinct id from t;";
  const Finished whole = load(parents, {"--atomic"});
  EXPECT_EQ(0, whole.exit_code) << whole.err;
  EXPECT_EQ(3, rows());
  db().run("truncate t, parents; drop schema pgsluice cascade");
  const Finished short_of_one = load(parents + "delete from parents where id = 2;", {"--atomic"});
  EXPECT_EQ(1, short_of_one.exit_code);
  EXPECT_THAT(short_of_one.err, HasSubstr("violates foreign key constraint"));
  EXPECT_EQ(0, rows());
}

TEST_F(AfterSql, IsTakenBySchedules) {
  folder_.write("after.sql", says);
  const std::string toml = folder_.write(
      "pgsluice.toml", "[[job]]\nname = \"feed\"\ncron = \"@every 1s\"\nload = [\"" + csv_ +
                           "\"]\ntable = \"t\"\nsettle = \"0s\"\nflags = [\"--after-sql\", \"" +
                           (folder_ / "after.sql") +
                           "\", \"--replace\", \"id < 10\", \"--set-sequences\", \"--analyze\"]\n");
  ASSERT_EQ(0, pgsluice({"schedule", "check", "--config", toml}).exit_code);
  EXPECT_TRUE(is_seen([&] {
    const Finished ran = pgsluice({"schedule", "run", "--once", "--config", toml, "-d", url()});
    EXPECT_EQ(0, ran.exit_code) << ran.err;
    return said() > 0 || HasFailure();
  }));
  EXPECT_EQ(1, said());
  EXPECT_EQ(3, rows());
}

}  // namespace
}  // namespace sluice::test
