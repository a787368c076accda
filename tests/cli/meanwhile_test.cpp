#include <string>
#include <utility>
#include <vector>

#include "cli/beside.hpp"

/// What becomes of a table, of names and of settings while a load is under way, or between two runs
/// of it.
namespace sluice::test {
namespace {

using ::testing::HasSubstr;

TEST_F(Beside, ColumnsThatChangeTheirNamesAndTriggersThatComeStopTheLoad) {
  const std::string in = big();
  for (const char* change :
       {"begin; alter table t rename v to x; alter table t rename w to v; alter table t rename x "
        "to "
        "w; commit",
        "create or replace function nothing() returns trigger language plpgsql as 'begin return "
        "null; "
        "end'; create trigger n before insert on t for each row execute function nothing()"}) {
    SCOPED_TRACE(change);
    db().run("drop table if exists t; create table t (id int, v text, w text)");
    Gate gate = half_way("t");
    Process process(in_chunks(in, "t"));
    ASSERT_TRUE(is_under_way(gate));
    gate.open_behind(change);
    const Finished finished = process.wait();
    EXPECT_EQ(1, finished.exit_code);
    EXPECT_THAT(finished.err, HasSubstr("has changed since the load began"));
    db().run("truncate pgsluice.loads cascade");
  }
}

TEST_F(Beside, RulesThatComeAndViewsThatBecomeOthersStopTheLoad) {
  const std::string in = big();
  for (const char* change : {"create rule r as on insert to t where new.id > 5 do instead nothing",
                             "create or replace view v as select id, w as v, v as w from t",
                             "create or replace view v as select id, v, w from u"}) {
    SCOPED_TRACE(change);
    db().run(
        "drop table if exists t, u cascade; create table t (id int, v text, w text); create table "
        "u "
        "(like t); create view v as select id, v, w from t");
    const bool is_view = std::string(change).contains("view");
    std::vector<std::string> command = in_chunks(in, is_view ? "v" : "t");
    command.insert(command.end(), {"--writer", "insert"});
    Gate gate = half_way("t");
    Process process(command);
    ASSERT_TRUE(is_under_way(gate));
    gate.open_behind(change);
    const Finished finished = process.wait();
    EXPECT_EQ(1, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err,
                HasSubstr("has changed since the load began: a rule, or what the view"));
    EXPECT_EQ(0, db().number("select count(*) from u"));
    db().run("truncate pgsluice.loads cascade");
  }
}

/// Rows of a view come to lie in its tables, and what may drop them there counts as its own.
TEST_F(Beside, TriggersUnderAViewCountAsItsOwn) {
  const std::string in = big();
  const char* const nothing =
      "create or replace function nothing() returns trigger language plpgsql as 'begin return "
      "null; end'; create trigger n before insert on ";
  const std::vector<std::pair<std::string, std::string>> changes{
      {"v", std::string(nothing) + "t for each row execute function nothing()"},
      {"vv", std::string(nothing) + "t for each row execute function nothing()"},
      {"vp", std::string(nothing) + "p1 for each row execute function nothing()"},
      {"vv", "create or replace view v as select id, w as v, v as w from t"},
      {"vv", "create rule r as on insert to t where new.id > 5 do instead nothing"}};
  for (const auto& [view, change] : changes) {
    SCOPED_TRACE(view + ", " + change);
    db().run(
        "drop table if exists t, p cascade; create table t (id int, v text, w text); create view v "
        "as select id, v, w from t; create view vv as select * from v; create table p (id int, v "
        "text, w text) partition by range (id); create table p1 partition of p default; create "
        "view vp as select * from p");
    Gate gate = half_way(view == "vp" ? "p" : "t");
    Process process(in_chunks(in, view));
    ASSERT_TRUE(is_under_way(gate));
    gate.open_behind(change);
    const Finished finished = process.wait();
    EXPECT_EQ(1, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("has changed since the load began"));
    db().run("truncate pgsluice.loads cascade");
  }
  // What is there from the beginning is counted.
  db().run(
      "drop table t cascade; create table t (id int, v text, w text); create view v as select "
      "* from t; create or replace function odd() returns trigger language plpgsql as 'begin "
      "if new.id % 2 = 1 then return null; end if; return new; end'; create trigger o before "
      "insert on t for each row execute function odd()");
  const Finished counted = load(in, "v");
  EXPECT_EQ(0, counted.exit_code) << counted.err;
  EXPECT_EQ(30'000, db().number("select count(*) from t"));
  EXPECT_EQ("30000 30000", db().value("select rows_stored || ' ' || rows_skipped from "
                                      "pgsluice.loads where state = 'finished'"));
}

TEST_F(Beside, DatesOfOneFileAreReadInOneWay) {
  db().run("create table t (id int, v date, w text); create table n (id int, v text, w text)");
  const std::string in = big();
  for (const char* table : {"t", "n"}) {
    Gate gate = half_way(table);
    Process process(in_chunks(in, table), {.environment = {"PGDATESTYLE=ISO, DMY"}});
    ASSERT_TRUE(is_under_way(gate));
    kill(process, gate);
    const Finished other = load(in, table, {}, {.environment = {"PGDATESTYLE=ISO, MDY"}});
    // Without dates it does not matter.
    EXPECT_EQ(table[0] == 't' ? 7 : 0, other.exit_code) << other.err;
    if (table[0] == 'n') continue;
    EXPECT_THAT(other.err, HasSubstr("how texts are read"));
    EXPECT_EQ(0, load(in, table, {}, {.environment = {"PGDATESTYLE=ISO, DMY"}}).exit_code);
    EXPECT_EQ(1, db().number("select count(distinct v) from t"));
  }
}

/// What a text means for its type is what it meant when the load began.
TEST_F(Beside, TextsOfOneFileAreReadInOneWay) {
  struct Reading {
    const char* type;
    const char* text;
    const char* then;
    const char* now;
    bool matters;
  };
  const char* const path_1 = "-c search_path=s1,public";
  const char* const path_2 = "-c search_path=s2,public";
  const std::vector<Reading> readings{
      {"regclass", "o", path_1, path_2, true},
      {"regtype", "o", path_1, path_2, true},
      {"regclass[]", "{o}", path_1, path_2, true},
      {"r", "(o)", path_1, path_2, true},
      {"text", "o", path_1, path_2, false},
      {"date", "2020-01-02", path_1, path_2, false},
      {"e", "o", path_1, path_2, false},
      {"timestamptz", "2020-01-01 00:00 IST", "-c search_path=public",
       "-c timezone_abbreviations=India", true},
      {"xml", "<a/>", "-c search_path=public", "-c xmloption=document", true},
      {"int[]", "{}", "-c search_path=public", "-c array_nulls=off", true},
      {"money", "1", "-c search_path=public", "-c lc_monetary=POSIX", true}};
  db().run(
      "create schema s1; create schema s2; create table s1.o (id int); create table s2.o (id int); "
      "create type r as (c regclass); create type e as enum ('o')");
  for (const Reading& reading : readings) {
    SCOPED_TRACE(std::string(reading.type) + ", " + reading.now);
    std::string csv = "id,v\n";
    for (int i = 0; i < 30'000; ++i) csv += std::to_string(i) + ",\"" + reading.text + "\"\n";
    const std::string in = folder_.write("in.csv", csv);
    db().run(std::string("drop table if exists t; create table t (id int, v ") + reading.type +
             "); drop schema if exists pgsluice cascade");
    Gate gate(url(), "t", "id >= 20000");
    Process process(command(in, "t", {"--chunk-size", "16KiB", "-j", "1"}),
                    {.environment = {std::string("PGOPTIONS=") + reading.then}});
    ASSERT_TRUE(is_under_way(gate));
    kill(process, gate);
    const Finished other =
        load(in, "t", {}, {.environment = {std::string("PGOPTIONS=") + reading.now}});
    EXPECT_EQ(reading.matters ? 7 : 0, other.exit_code) << other.err;
    if (!reading.matters) continue;
    EXPECT_THAT(other.err, HasSubstr("how texts are read"));
    EXPECT_EQ(
        0,
        load(in, "t", {}, {.environment = {std::string("PGOPTIONS=") + reading.then}}).exit_code);
  }
}

/// Names of stages that somebody has taken keep nobody from loading, and what has them stays; but a
/// superuser who forgets a load drops what may be its stage.
TEST_F(Beside, NamesOfStagesThatAreTakenAreLeftAlone) {
  const std::string mallory = url_of_new_role("beside_mallory");
  const std::string a = folder_.write("a.csv", "id,v\n1,a\n2,b\n");
  db().run("create table t (id int unique, v text); create table own (id int)");
  ASSERT_EQ(0, load(folder_.write("o.csv", "id\n1\n"), "own").exit_code);
  db().run("grant usage, create on schema pgsluice to beside_mallory");
  for (const char* kind :
       {"view pgsluice.%s as select 1 as id", "table pgsluice.%s (id int, v text)",
        "unlogged table pgsluice.%s (id int, v text) with (autovacuum_enabled = false)",
        "type pgsluice.%s as enum ('a')", "materialized view pgsluice.%s as select 1 as id"}) {
    SCOPED_TRACE(kind);
    db().run("truncate t");
    const std::string dropped = std::string(kind).substr(0, std::string(kind).find(" pgsluice"));
    Session hers(mallory);
    const auto of_all = [&](const std::string& sql) {
      hers.run("do $do$ begin for i in 1 .. 60 loop execute format($x$" + sql +
               "$x$, 'stage_' || i); end loop; end $do$");
    };
    of_all(std::string("create ") + kind);
    const auto hers_left = [&] {
      return db().number(
          "select count(*) from pg_type t where typname ~ '^stage_[0-9]+$' and "
          "typowner = 'beside_mallory'::regrole");
    };
    EXPECT_EQ(60, hers_left());
    for (int i = 0; i < 2; ++i) {
      db().run("truncate t");
      const Finished loaded = load(a, "t", {"--atomic=resumable", "--again"});
      EXPECT_EQ(0, loaded.exit_code) << loaded.err;
      EXPECT_EQ("1 2", ids("t"));
    }
    // Refused, and gone on with: the stage is found again.
    const Finished refused = load(a, "t", {"--atomic=resumable", "--again"});
    EXPECT_EQ(1, refused.exit_code);
    db().run("truncate t");
    const Finished resumed = load(a, "t", {"--atomic=resumable"});
    EXPECT_EQ(0, resumed.exit_code) << resumed.err;
    EXPECT_EQ("1 2", ids("t"));
    ASSERT_EQ(1, load(a, "t", {"--atomic=resumable", "--again"}).exit_code);
    const std::string id = db().value("select max(load_id) from pgsluice.loads");
    EXPECT_THAT(pgsluice({"loads", "forget", id, "-d", url()}).out,
                HasSubstr("pgsluice.stage_" + id + "_"));
    const bool looks_like_one = dropped.starts_with("unlogged");
    EXPECT_EQ(looks_like_one ? 59 : 60, hers_left()) << "the load's name, and a stage's kind";
    EXPECT_EQ(0, db().number("select count(*) from pg_class where relname ~ '^stage_' and relowner "
                             "<> 'beside_mallory'::regrole"));
    of_all("drop " + (looks_like_one ? std::string("table") : dropped) + " if exists pgsluice.%s");
  }
  db().run("drop owned by beside_mallory; drop role beside_mallory");
}

}  // namespace
}  // namespace sluice::test
