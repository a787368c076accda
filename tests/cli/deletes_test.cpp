#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Loads that take rows of the table away when theirs come.
class Deletes : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(
        "create table t (id int primary key, day text, v text); insert into t select i, case when "
        "i "
        "<= 5 then 'mon' else 'tue' end, 'old' from generate_series(1, 10) i");
  }
  Finished load(const std::string& csv, std::vector<std::string> flags,
                const std::string& as = "") {
    folder_.write("in.csv", csv);
    return again(std::move(flags), as);
  }
  Finished again(std::vector<std::string> flags, const std::string& as = "") {
    std::vector<std::string> all{"load", folder_ / "in.csv",      "-t",         "t",
                                 "-d",   as.empty() ? url() : as, "--progress", "none"};
    all.insert(all.end(), flags.begin(), flags.end());
    return pgsluice(all);
  }
  std::string table(const std::string& columns = "id, day, v") {
    return db().value("select coalesce(string_agg(concat_ws('|', " + columns +
                      "), ' ' order by id), '') from t");
  }
  std::string deleted() {
    return db().value(
        "select string_agg(rows_deleted::text, ' ' order by load_id) from "
        "pgsluice.loads");
  }
  std::int64_t rows() { return db().number("select count(*) from t"); }

  TemporaryFolder folder_;
};

const std::vector<std::string> sync_flags{"--on-conflict", "update", "--delete-missing",
                                          "--max-deletes", "100%"};

class Replace : public Deletes {
 protected:
  /// The second one comes before the first one, which has last.sql at its end, is done: it waits.
  void expect_turns(const std::vector<std::string>& first, const std::vector<std::string>& second) {
    const auto are_waiting = [this](int count) {
      return comes_true("select count(*) >= " + std::to_string(count) +
                        " from pg_stat_activity where wait_event_type = 'Lock' and datname = "
                        "current_database()");
    };
    Session holder(url());
    holder.run("select pg_advisory_lock(7002)");
    Process one(first);
    ASSERT_TRUE(are_waiting(1));
    Process other(second);
    ASSERT_TRUE(are_waiting(2));
    holder.run("select pg_advisory_unlock(7002)");
    const Finished of_other = other.wait();
    EXPECT_EQ(0, of_other.exit_code) << of_other.err;
    const Finished of_one = one.wait();
    EXPECT_EQ(0, of_one.exit_code) << of_one.err;
  }
};
class DeleteMissing : public Deletes {};

/// A table that inherits from this one keeps its rows: none of the file's goes into it.
TEST_F(Replace, LeavesChildrenAlone) {
  db().run("create table child () inherits (t); insert into child values (50, 'mon', 'child')");
  ASSERT_EQ(0, load("id,day,v\n1,mon,new\n", {"--replace", "day = 'mon'"}).exit_code);
  EXPECT_EQ("50|mon|child",
            db().value("select string_agg(concat_ws('|', id, day, v), ' ') from child"));
  EXPECT_EQ("1|mon|new",
            db().value("select string_agg(concat_ws('|', id, day, v), ' ') from only t "
                       "where day = 'mon'"));
}

TEST_F(Replace, PutsTheFileInThePlaceOfWhatMatches) {
  const std::vector<std::string> flags{"--replace", "day = 'mon'", "--chunk-size", "8"};
  const Finished loaded = load("id,day,v\n1,mon,new\n12,mon,new\n", flags);
  ASSERT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_THAT(loaded.out, HasSubstr("stored 2 rows"));
  EXPECT_THAT(loaded.out, HasSubstr("deleted 5"));
  EXPECT_EQ("1|mon|new 6|tue|old 7|tue|old 8|tue|old 9|tue|old 10|tue|old 12|mon|new", table());
  EXPECT_EQ("5", deleted());
  const auto shown =
      nlohmann::json::parse(pgsluice({"loads", "show", "1", "--output", "json", "-d", url()}).out);
  EXPECT_EQ(5, shown["rows_deleted"]);
  EXPECT_EQ("day = 'mon'", shown["options"]["replace"]);
  EXPECT_THAT(pgsluice({"loads", "show", "1", "-d", url()}).out, HasSubstr("deleted        5"));
  // What is known does nothing, whatever has come since by hand.
  db().run("insert into t values (20, 'mon', 'late')");
  EXPECT_THAT(again(flags).out, HasSubstr("nothing to do"));
  EXPECT_EQ(8, rows());
  std::vector<std::string> once_more = flags;
  once_more.insert(once_more.end(), {"--again", "--output", "json"});
  const auto json = nlohmann::json::parse(again(once_more).out);
  EXPECT_EQ(3, json["loads"][0]["rows_deleted"]);
  EXPECT_EQ(7, rows());
  const Finished other = again({"--replace", "day = 'tue'"});
  EXPECT_EQ(7, other.exit_code);
  EXPECT_THAT(other.err, HasSubstr("--replace: "));
}

/// Back to a file that another one has replaced since: it is applied again, and not left out.
TEST_F(Replace, GoesBackToAnEarlierFile) {
  const std::vector<std::string> flags{"--replace", "day = 'mon'"};
  const std::string monday = "id,day,v\n1,mon,first\n";
  folder_.write("a.csv", monday);
  folder_.write("b.csv", "id,day,v\n1,mon,second\n");
  folder_.write("c.csv", "id,day,v\n30,wed,x\n");
  const auto load_file = [&](const std::string& name, const std::string& day) {
    return pgsluice({"load", folder_ / name, "-t", "t", "-d", url(), "--replace",
                     "day = '" + day + "'", "--progress", "none"});
  };
  ASSERT_EQ(0, load_file("a.csv", "mon").exit_code);
  ASSERT_EQ(0, load_file("c.csv", "wed").exit_code);
  EXPECT_THAT(load_file("c.csv", "wed").out, HasSubstr("nothing to do"));
  ASSERT_EQ(0, load_file("b.csv", "mon").exit_code);
  const Finished back = load_file("a.csv", "mon");
  EXPECT_EQ(0, back.exit_code);
  EXPECT_THAT(back.err, HasSubstr("applying it again"));
  EXPECT_EQ("1|mon|first", db().value("select concat_ws('|', id, day, v) from t where id = 1"));
}

/// Another load has brought rows that the file's are to be in the place of, and has deleted none.
TEST_F(Replace, TakesAwayWhatOthersHaveBrought) {
  db().run("drop table t; create table t (id int, day text, v text)");
  folder_.write("a.csv", "id,day,v\n1,mon,first\n");
  folder_.write("b.csv", "id,day,v\n2,mon,other\n");
  const auto load_file = [&](const std::string& name, std::vector<std::string> more) {
    more.insert(more.begin(),
                {"load", folder_ / name, "-t", "t", "-d", url(), "--progress", "none"});
    return pgsluice(more);
  };
  const std::vector<std::string> flags{"--replace", "day = 'mon'"};
  ASSERT_EQ(0, load_file("a.csv", flags).exit_code);
  EXPECT_THAT(load_file("a.csv", flags).out, HasSubstr("nothing to do"));
  ASSERT_EQ(0, load_file("b.csv", {}).exit_code);
  EXPECT_EQ(0, load_file("a.csv", flags).exit_code);
  EXPECT_EQ("1|mon|first", table());
  EXPECT_THAT(load_file("a.csv", flags).out, HasSubstr("nothing to do"));
  // One that was given up has left its rows too.
  folder_.write("c.csv", "id,day,v\n3,mon,x\nbad,mon,x\n");
  ASSERT_EQ(1, load_file("c.csv", {"--chunk-size", "10"}).exit_code);
  folder_.write("c.csv", "id,day,v\n");
  ASSERT_EQ(0, load_file("c.csv", {"--again"}).exit_code);
  ASSERT_EQ("1|mon|first 3|mon|x", table());
  EXPECT_EQ(0, load_file("a.csv", flags).exit_code);
  EXPECT_EQ("1|mon|first", table());
}

TEST_F(Replace, DeletesNothingForAFileThatBringsNothing) {
  const std::string before = table();
  const std::vector<std::string> flags{"--replace", "day = 'mon'"};
  for (const auto& [csv, more] :
       {std::pair{"id,day,v\n", std::vector<std::string>{}},
        std::pair{"id,day,v\nx,mon,new\n", std::vector<std::string>{"--max-rejects", "5"}},
        std::pair{"id,day,v\n1,mon,new\n", std::vector<std::string>{"--where", "id > 7"}}}) {
    SCOPED_TRACE(csv);
    std::vector<std::string> all = flags;
    all.insert(all.end(), more.begin(), more.end());
    const Finished refused = load(csv, all);
    EXPECT_EQ(1, refused.exit_code);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("it brings no row, and --replace would delete 5 of"),
                                   HasSubstr("Nothing was published")));
    EXPECT_EQ(before, table());
  }
  std::vector<std::string> limited = flags;
  limited.insert(limited.end(), {"--max-deletes", "4"});
  EXPECT_THAT(
      load("id,day,v\n1,mon,new\n", limited).err,
      HasSubstr("--replace would delete 5 rows of public.t, and --max-deletes allows 4 rows"));
  limited.back() = "40%";
  EXPECT_THAT(again(limited).err, HasSubstr("allows 40% of the rows, 4"));
  EXPECT_EQ(before, table());
  limited.back() = "50%";
  EXPECT_EQ(0, again(limited).exit_code);
  limited.back() = "100%";
  EXPECT_EQ(0, load("id,day,v\n", limited).exit_code);
  EXPECT_EQ("tue", db().value("select string_agg(distinct day, ' ') from t"));
}

/// Of a table, of its partition and through its view: whoever comes second sees the first one's.
TEST_F(Replace, TakesTurnsThroughPartitionsAndViews) {
  const std::string last = folder_.write("last.sql", "select pg_advisory_xact_lock(7002)");
  const auto command = [this](const std::string& path, const std::string& table) {
    return std::vector<std::string>{"load", path,        "-t",          table,        "-d",
                                    url(),  "--replace", "day = 'mon'", "--progress", "none"};
  };
  for (const auto& [one, other] :
       {std::pair{"t", "part"}, std::pair{"part", "t"}, std::pair{"t", "v"}, std::pair{"v", "t"}}) {
    SCOPED_TRACE(std::string(one) + " " + other);
    db().run(
        "drop table if exists t cascade; drop schema if exists pgsluice cascade; create table "
        "t (id int, day text, v text) partition by list (day); create table part partition of "
        "t for values in ('mon'); create view v as select * from t");
    std::vector<std::string> first =
        command(folder_.write("a.csv", "id,day,v\n1,mon,first\n"), one);
    first.insert(first.end(), {"--after-sql", last});
    const std::string path = folder_.write("b.csv", "id,day,v\n2,mon,second\n");
    expect_turns(first, command(path, other));
    EXPECT_EQ("2|mon|second", table());
  }
}

/// Two at once: the second one replaces what the first has brought.
TEST_F(Replace, TakesTurnsWithOthersThatReplace) {
  db().run("drop table t; create table t (id int, day text, v text)");
  const std::string last = folder_.write("last.sql", "select pg_advisory_xact_lock(7002)");
  const auto command = [this](const std::string& path) {
    return std::vector<std::string>{"load", path,        "-t",          "t",          "-d",
                                    url(),  "--replace", "day = 'mon'", "--progress", "none"};
  };
  std::vector<std::string> first = command(folder_.write("a.csv", "id,day,v\n1,mon,first\n"));
  first.insert(first.end(), {"--after-sql", last});
  expect_turns(first, command(folder_.write("b.csv", "id,day,v\n2,mon,second\n")));
  EXPECT_EQ("2|mon|second", table());
}

TEST_F(Replace, StandsBetweenItsParentheses) {
  db().run("create table other (a int); insert into other values (1)");
  const std::string before = table();
  for (const char* condition : {"true; drop table other",
                                "true) or (true",
                                "true); drop table other; select (1",
                                "(true",
                                "true)",
                                "'open",
                                "$x$ open",
                                "/* open",
                                "true /* /* */",
                                "",
                                " ",
                                "-- all of it",
                                "\\i other",
                                "no_column = 1",
                                "id",
                                "count(*) > 1",
                                "row_number() over () = 1",
                                "generate_series(1, 2) = 1",
                                "$1",
                                "id = 'x'",
                                "true returning id",
                                "true union select 1",
                                "id = (select 1 union select 2) +",
                                "E'\\' = 'x'",
                                "true)\n; drop table other; --"}) {
    SCOPED_TRACE(condition);
    const Finished refused = load("id,day,v\n99,x,y\n", {"--replace", condition});
    EXPECT_EQ(2, refused.exit_code);
    EXPECT_THAT(refused.err, HasSubstr("--replace"));
  }
  EXPECT_EQ(before, table());
  EXPECT_EQ(1, db().number("select count(*) from other"));
  // These are conditions.
  int id = 100;
  for (const char* condition :
       {"day = ';'", "day = 'a -- b'", "day = '/*' -- a comment", "\"day\" = ')' /* ) ; */",
        "day = $$;$$", "id in (select a from other where a > 5)", "null"}) {
    SCOPED_TRACE(condition);
    const std::string csv = "id,day,v\n" + std::to_string(++id) + ",x,y\n";
    const Finished loaded = load(csv, {"--replace", condition});
    EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  }
  EXPECT_EQ(17, rows());
}

/// By whoever has turned the meaning of a backslash round.
TEST_F(Replace, MeansTheSameWhateverTheSessionSays) {
  db().run("alter database \"" + db().value("select current_database()") +
           "\" set standard_conforming_strings = off; create table other (a int)");
  const Finished refused =
      load("id,day,v\n99,x,y\n", {"--replace", "day = '\\' ) ; drop table other; -- '"});
  EXPECT_EQ("t", db().value("select to_regclass('other') is not null"));
  EXPECT_LE(10, rows());
  EXPECT_THAT(refused.err, Not(HasSubstr("cannot insert multiple commands")));
}

TEST_F(Replace, IsRefusedBeforeTheFirstRowWhereItCannotBe) {
  const std::string low = url_of_new_role("replace_low");
  ASSERT_EQ(0, load("id,day,v\n11,x,y\n", {}).exit_code);
  db().run(
      "grant insert, select on t to replace_low; grant usage, create on schema pgsluice to "
      "replace_low; grant select, insert, update, delete on all tables in schema pgsluice to "
      "replace_low; grant usage on all sequences in schema pgsluice to replace_low");
  const std::string csv = "id,day,v\n12,x,y\n";
  const Finished no_right = load(csv, {"--replace", "id = 1"}, low);
  EXPECT_EQ(1, no_right.exit_code);
  EXPECT_THAT(no_right.err, AllOf(HasSubstr("permission denied"), HasSubstr("grant delete on")));
  const Finished no_right_dry = load(csv, {"--replace", "id = 1", "--dry-run"}, low);
  EXPECT_EQ(1, no_right_dry.exit_code);
  EXPECT_EQ("1", db().value("select count(*) from pgsluice.loads")) << "nothing was begun";
  db().run("create rule r as on delete to t do instead nothing");
  EXPECT_THAT(load(csv, {"--replace", "id = 1"}).err, HasSubstr("rules for DELETE"));
  db().run(
      "drop rule r on t; alter table t rename to u; create view t as select id, day, v from u "
      "group by 1, 2, 3");
  EXPECT_EQ(2, load(csv, {"--replace", "id = 1"}).exit_code);
  db().run("drop owned by replace_low; drop role replace_low");
}

TEST_F(Replace, GoesThroughAView) {
  db().run("alter table t rename to u; create view t as select id, day, v from u");
  const Finished loaded = load("id,day,v\n1,mon,new\n", {"--replace", "day = 'mon'"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("5", deleted());
  EXPECT_EQ(6, rows());
}

TEST_F(Deletes, FlagsThatWouldLoseMoreAreRefused) {
  const std::string csv = "id,day,v\n1,mon,new\n";
  const std::vector<std::string> sync{"--on-conflict", "update", "--delete-missing"};
  const auto with = [](std::vector<std::string> flags, const std::vector<std::string>& more) {
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
  };
  const std::vector<std::string> replace{"--replace", "id = 1"};
  for (const std::vector<std::string>& flags : {std::vector<std::string>{"--delete-missing"},
                                                {"--delete-missing", "--on-conflict", "nothing"},
                                                {"--max-deletes", "5"},
                                                with(sync, {"--max-deletes", "5x"}),
                                                with(sync, {"--max-deletes", "101%"}),
                                                with(sync, {"--max-deletes", "-1"}),
                                                with(sync, {"--limit", "1"}),
                                                with(sync, replace),
                                                with(sync, {"--truncate"}),
                                                with(sync, {"--grown", "append"}),
                                                with(sync, {"--no-ledger"}),
                                                with(sync, {"--defer-indexes"}),
                                                with(replace, {"--truncate"}),
                                                with(replace, {"--grown", "append"}),
                                                with(replace, {"--no-ledger"}),
                                                with(replace, {"--writer", "insert"})}) {
    std::string shown;
    for (const std::string& flag : flags) shown += flag + " ";
    SCOPED_TRACE(shown);
    EXPECT_EQ(2, load(csv, flags).exit_code);
  }
  for (const std::vector<std::string>& flags : {sync, replace}) {
    std::vector<std::string> two{
        "load", folder_ / "in.csv", folder_.write("b.csv", csv), "-t", "t", "-d", url()};
    two.insert(two.end(), flags.begin(), flags.end());
    EXPECT_EQ(2, pgsluice(two).exit_code);
    std::vector<std::string> matched{"load", folder_ / "*.csv", "-t", "t", "-d", url()};
    matched.insert(matched.end(), flags.begin(), flags.end());
    const Finished refused = pgsluice(matched);
    EXPECT_EQ(2, refused.exit_code);
    EXPECT_THAT(refused.err, HasSubstr("several files"));
  }
  EXPECT_EQ(10, rows());
}

/// The table becomes the file: new, changed and gone rows. What is equal is not touched.
TEST_F(DeleteMissing, MakesTheTableWhatTheFileIs) {
  const std::string before = db().value("select xmin || ' ' || ctid from t where id = 2");
  const Finished loaded = load("id,day,v\n1,mon,new\n2,mon,old\n20,wed,new\n", sync_flags);
  ASSERT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("1|mon|new 2|mon|old 20|wed|new", table());
  EXPECT_EQ(before, db().value("select xmin || ' ' || ctid from t where id = 2"));
  EXPECT_EQ("8", deleted());
  EXPECT_EQ("1 1 1", db().value("select concat_ws(' ', rows_stored, rows_updated, rows_unchanged) "
                                "from pgsluice.loads"));
  // A value that a row that is gone had is free for others.
  db().run("update t set v = 'x' || id; create unique index on t (v)");
  const Finished moved = load("id,day,v\n5,mon,x1\n2,mon,x2\n20,wed,x20\n", sync_flags);
  EXPECT_EQ(0, moved.exit_code) << moved.err;
  EXPECT_EQ("2|mon|x2 5|mon|x1 20|wed|x20", table());
}

/// A feed under one name that only gets longer.
TEST_F(DeleteMissing, LoadsAllOfAFileThatHasGrown) {
  ASSERT_EQ(0, load("id,day,v\n1,mon,new\n", sync_flags).exit_code);
  db().run("delete from t; insert into t values (7, 'mon', 'by hand')");
  const Finished grown = load("id,day,v\n1,mon,new\n2,mon,new\n", sync_flags);
  EXPECT_EQ(0, grown.exit_code) << grown.err;
  EXPECT_EQ("1|mon|new 2|mon|new", table());
  const std::vector<std::string> replace{"--replace", "day = 'mon'"};
  ASSERT_EQ(0, load("id,day,v\n3,mon,x\n", replace).exit_code);
  ASSERT_EQ(0, load("id,day,v\n3,mon,x\n4,mon,x\n", replace).exit_code);
  EXPECT_EQ("3|mon|x 4|mon|x", table());
}

/// A feed that was cut.
TEST_F(DeleteMissing, IsStoppedWhereTooMuchWouldGo) {
  const std::vector<std::string> flags{"--on-conflict", "update", "--delete-missing"};
  const std::string before = table();
  for (const auto& [csv, more, says] :
       {std::tuple{"id,day,v\n1,mon,new\n", std::vector<std::string>{},
                   "9 of the 10 rows of public.t have no record in it and would be deleted, and "
                   "--max-deletes allows 20% of the rows, 2"},
        std::tuple{"id,day,v\n", std::vector<std::string>{}, "10 of the 10 rows"},
        std::tuple{"id,day,v\n1,mon,new\n", std::vector<std::string>{"--max-deletes", "8"},
                   "allows 8 rows"},
        std::tuple{"id,day,v\n1,mon,new\n", std::vector<std::string>{"--max-deletes", "89.9%"},
                   "allows 89.9% of the rows, 8"}}) {
    SCOPED_TRACE(says);
    std::vector<std::string> all = flags;
    all.insert(all.end(), more.begin(), more.end());
    const Finished refused = load(csv, all);
    EXPECT_EQ(1, refused.exit_code);
    EXPECT_THAT(refused.err, AllOf(HasSubstr(says), HasSubstr("Nothing was published")));
    EXPECT_EQ(before, table());
  }
  // The same command goes on with what waits.
  std::vector<std::string> allowed = flags;
  allowed.insert(allowed.end(), {"--max-deletes", "9"});
  const Finished loaded = again(allowed);
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_THAT(loaded.err, HasSubstr("resuming load"));
  EXPECT_EQ("1|mon|new", table());
  std::vector<std::string> all = flags;
  all.insert(all.end(), {"--max-deletes", "100%"});
  EXPECT_EQ(0, load("id,day,v\n", all).exit_code);
  EXPECT_EQ("", table());
}

/// Whose row it would be, nobody knows.
TEST_F(DeleteMissing, DeletesNothingWhereARecordWasRejected) {
  std::vector<std::string> flags = sync_flags;
  flags.insert(flags.end(), {"--max-rejects", "5"});
  const Finished loaded = load("id,day,v\n1,mon,new\nx,mon,new\n", flags);
  EXPECT_EQ(3, loaded.exit_code);
  EXPECT_THAT(loaded.err, HasSubstr("no row was deleted as missing: 1 record was rejected"));
  EXPECT_EQ(10, rows());
  EXPECT_EQ("0", deleted());
  EXPECT_EQ("new", db().value("select v from t where id = 1"));
  // One that only the publication refuses, likewise.
  db().run(
      "alter table t add check (v <> 'no'); create function f() returns trigger language "
      "plpgsql as $$ begin return new; end $$; create trigger g before insert or update on t "
      "for each row execute function f()");
  const Finished late = load("id,day,v\n1,mon,newer\n2,mon,no\n", flags);
  EXPECT_EQ(3, late.exit_code) << late.err;
  EXPECT_THAT(late.err, HasSubstr("no row was deleted as missing"));
  EXPECT_EQ(10, rows());
}

TEST_F(DeleteMissing, GoesByTheKeysOwnEquality) {
  db().run(
      "drop table t; create collation nocase (provider = icu, locale = 'und-u-ks-level2', "
      "deterministic = false); create table t (id text collate nocase, n numeric, v text, unique "
      "nulls not distinct (id, n)); insert into t values ('Abc', 1.50, 'old'), ('x', null, 'old'), "
      "('gone', null, 'old')");
  std::vector<std::string> flags = sync_flags;
  flags.insert(flags.end(), {"--key", "id,n"});
  const Finished loaded = load("id,n,v\naBC,1.5,new\nX,,new\n", flags);
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("aBC|1.5|new X|new", table("id, n, v"));
  EXPECT_EQ("1", deleted());
}

/// With NULLs that are not equal a row is nobody's, and its record comes anew.
TEST_F(DeleteMissing, TakesRowsWithANullInTheirKeyAnew) {
  db().run(
      "drop table t; create table t (id int, n int, v text, unique (id, n)); insert into t values "
      "(1, 1, 'old'), (2, null, 'old'), (3, null, 'old')");
  std::vector<std::string> flags = sync_flags;
  flags.insert(flags.end(), {"--key", "id,n"});
  const std::string csv = "id,n,v\n1,1,old\n2,,new\n";
  EXPECT_EQ(0, load(csv, flags).exit_code);
  EXPECT_EQ("1|1|old 2|new", table("id, n, v"));
  flags.emplace_back("--again");
  EXPECT_EQ(0, again(flags).exit_code);
  EXPECT_EQ("1|1|old 2|new", table("id, n, v"));
}

TEST_F(DeleteMissing, TakesPartitionsAndLeavesChildrenOfOthers) {
  db().run(
      "drop table t; create table t (id int primary key, day text, v text) partition by range "
      "(id); "
      "create table t1 partition of t for values from (0) to (10); create table t2 partition of t "
      "for values from (10) to (100); insert into t select i, 'mon', 'old' from generate_series(1, "
      "20) i");
  EXPECT_EQ(0, load("id,day,v\n2,mon,old\n15,mon,new\n30,mon,new\n", sync_flags).exit_code);
  EXPECT_EQ("2|mon|old 15|mon|new 30|mon|new", table());
  EXPECT_EQ("18", deleted());
  db().run(
      "drop table t; drop schema pgsluice cascade; create table t (id int primary key, day text, v "
      "text); create table child () inherits (t); insert into t values (1, 'a', 'b'), (2, 'a', "
      "'b'); insert into child values (7, 'a', 'b')");
  EXPECT_EQ(0, load("id,day,v\n2,a,b\n", sync_flags).exit_code);
  EXPECT_EQ("2|a|b 7|a|b", table());
}

/// Names that need quotes, and a path in which others have made functions and operators.
TEST_F(DeleteMissing, KeepsToNamesAndOperatorsOfItsOwn) {
  db().run(
      "drop table t; create schema \"Odd; Schema\"; create table \"Odd; Schema\".\"T \"\"x\"\"\" "
      "(\"Key; --\" int primary key, \"v'\" text); insert into \"Odd; Schema\".\"T \"\"x\"\"\" "
      "values (1, 'a'), (2, 'b'); create schema evil; create function evil.not_equal(int, int) "
      "returns boolean language sql as 'select false'; create operator evil.= (leftarg = int, "
      "rightarg = int, function = evil.not_equal); alter database \"" +
      db().value("select current_database()") + "\" set search_path = evil, public, pg_catalog");
  const Finished loaded =
      pgsluice({"load", folder_.write("odd.csv", "Key; --,v'\n2,c\n3,d\n"), "-t",
                "\"Odd; Schema\".\"T \"\"x\"\"\"", "-d", url(), "--on-conflict", "update",
                "--delete-missing", "--max-deletes", "50%"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("2c 3d",
            db().value("select string_agg(\"Key; --\" || \"v'\", ' ' order by 1) from \"Odd; "
                       "Schema\".\"T \"\"x\"\"\""));
}

/// A load that was begun first and ends last is the newest: what it was in the way of comes again.
TEST_F(DeleteMissing, KnowsWhoCameLast) {
  const auto load_file = [&](const std::string& name, std::vector<std::string> more) {
    more.insert(more.begin(), {"load", folder_ / name, "-t", "t", "-d", url(), "--progress", "none",
                               "--on-conflict", "update"});
    return pgsluice(more);
  };
  const std::string mon = folder_.write("mon.csv", "id,day,v\n1,mon,mon\n");
  const std::string tue = folder_.write("tue.csv", "id,day,v\n1,tue,tue\n");
  for (const bool deletes : {true, false}) {
    SCOPED_TRACE(deletes);
    db().run(
        "drop schema if exists pgsluice cascade; truncate t; insert into t select i, 'old', "
        "'old' from generate_series(1, 10) i");
    std::vector<std::string> all;
    if (deletes) {
      EXPECT_EQ(1, load_file("mon.csv", {"--delete-missing", "--max-deletes", "10%"}).exit_code);
      all = {"--delete-missing", "--max-deletes", "100%"};
    } else {
      // Both are stopped with nothing stored, in the middle of what decides about them.
      db().run(
          "create function stop() returns trigger language plpgsql as $$ begin raise "
          "'not yet'; end $$; create trigger stop before insert on t for each row when "
          "(new.v = 'mon') execute function stop()");
      EXPECT_EQ(1, load_file("mon.csv", {}).exit_code);
      db().run("drop trigger stop on t; drop function stop()");
    }
    EXPECT_EQ(0, load_file("tue.csv", all).exit_code);
    EXPECT_EQ(0, load_file("mon.csv", all).exit_code);
    EXPECT_EQ("mon", db().value("select v from t where id = 1"));
    EXPECT_THAT(load_file("mon.csv", all).out, HasSubstr("nothing to do"));
    const Finished late = load_file("tue.csv", all);
    EXPECT_EQ(0, late.exit_code);
    EXPECT_THAT(late.err, HasSubstr("applying it again"));
    EXPECT_EQ("tue", db().value("select v from t where id = 1"));
    EXPECT_THAT(load_file("tue.csv", all).out, HasSubstr("nothing to do"));
  }
}

/// Rows that the file keeps stay, whatever their rows of before refer to.
TEST_F(DeleteMissing, KeepsWhatTheFileKeeps) {
  for (const std::string action : {"", " on delete cascade", " on delete set null"}) {
    SCOPED_TRACE(action);
    db().run(
        "drop table if exists child; drop table t; drop schema if exists pgsluice cascade; "
        "create table t (id int primary key, parent int references t" +
        action +
        ", v text); insert into t values (1, null, 'a'), (2, 1, 'b'), (3, 2, 'c'); create "
        "table child (id int references t on delete cascade); insert into child values (2)");
    // 1 is gone, and 2 has another place.
    const Finished loaded = load("id,parent,v\n2,,b\n3,2,c\n", sync_flags);
    EXPECT_EQ(0, loaded.exit_code) << loaded.err;
    EXPECT_EQ("2||b 3|2|c", table("id, coalesce(parent::text, ''), v"));
    EXPECT_EQ("1", deleted());
    EXPECT_EQ(1, db().number("select count(*) from child"));
  }
  // What is unique is free for the row that comes.
  db().run(
      "drop table child; drop table t; drop schema pgsluice cascade; create table t (id int "
      "primary key, v text unique); insert into t values (1, 'a')");
  EXPECT_EQ(0, load("id,v\n2,a\n", sync_flags).exit_code);
  EXPECT_EQ("2|a", table("id, v"));
}

TEST_F(DeleteMissing, IsRefusedWhereItWouldTakeMoreAlong) {
  db().run(
      "create function f() returns trigger language plpgsql as $$ begin delete from t where id "
      "= old.id + 1; return null; end $$; create trigger g after delete on t for each row when "
      "(old.id = 5) execute function f()");
  const std::string before = table();
  const Finished refused =
      load("id,day,v\n1,mon,old\n2,mon,old\n3,mon,old\n4,mon,old\n6,tue,new\n", sync_flags);
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("would take 1 more along"));
  EXPECT_EQ(before, table());
}

}  // namespace
}  // namespace sluice::test
