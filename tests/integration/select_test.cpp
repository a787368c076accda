#include <gmock/gmock.h>

#include <algorithm>
#include <array>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// How the rows get into the table.
enum class Way { copy, insert, nothing, update, atomic, trigger, view, no_ledger };
constexpr std::array all_ways{Way::copy,   Way::insert,  Way::nothing, Way::update,
                              Way::atomic, Way::trigger, Way::view,    Way::no_ledger};

constexpr const char* columns =
    "id int primary key, city text, fare numeric(8,2), at timestamp, ok boolean, "
    "code varchar(4), note text default 'none'";

/// Half of the ways, so that two SQL texts that follow each other have all of them.
std::vector<Way> ways_of_turn(std::size_t loads_before) {
  std::vector<Way> ways;
  const std::size_t turn = loads_before / (all_ways.size() / 2) % 2;
  for (std::size_t i = turn; i < all_ways.size(); i += 2) ways.push_back(all_ways[i]);
  return ways;
}

/// Loads with --where and --select, beside what COPY and INSERT ... SELECT make of the same file.
class SqlOverRecords : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(
        "create table pairs (k text primary key, v int); insert into pairs values ('a', 1), "
        "('b', 2), ('Ulm', 3)");
    const std::array<std::string, 6> cities{"Ulm", "\"Aa, b\"", "", "\"\"", "o'x", "\"q\"\"q\""};
    csv_ = "id,city,fare,at,ok,code\n";
    for (int i = 1; i <= records_; ++i) {
      const auto n = static_cast<std::size_t>(i);
      csv_ += std::to_string(i) + "," + cities[n * 7 % 6] + "," +
              (i % 5 == 0 ? "" : std::to_string(i * 37 % 100) + ".255") + "," +
              (i % 4 == 0 ? "" : "2024-0" + std::to_string(1 + i % 9) + "-03 04:05:06") + "," +
              (i % 3 == 0   ? "true"
               : i % 3 == 1 ? "f"
                            : "") +
              "," + (i % 2 == 0 ? "ab" : "cde") + "\n";
    }
  }

  /// The table `stored` as this way wants it, and `expected` with the same triggers.
  void make_tables(Way way) {
    db().run(std::string("drop view if exists stored_view; drop table if exists stored, expected; "
                         "create table stored (") +
             columns + "); create table expected (like stored including all)");
    if (way == Way::nothing || way == Way::update)
      db().run(
          "insert into stored (id, city) select i * 3, 'old' from generate_series(1, 20) i; "
          "insert into expected select * from stored");
    if (way == Way::trigger)
      db().run(
          "create or replace function drop_some() returns trigger language plpgsql as $$ "
          "begin if new.id % 7 = 0 then return null; end if; new.note := 'seen'; return new; "
          "end $$; create trigger d before insert on stored for each row execute function "
          "drop_some(); create trigger d before insert on expected for each row execute "
          "function drop_some()");
    if (way == Way::view) db().run("create view stored_view as select * from stored");
  }

  plan::LoadOptions options_for(Way way, std::size_t number) {
    plan::LoadOptions o;
    o.path = folder_.write("in.csv", csv_);
    o.table = way == Way::view ? "stored_view" : "stored";
    o.again = true;
    o.chunk_bytes = std::array<std::size_t, 4>{64, 700, 4096, 1U << 20}[number % 4];
    o.jobs = 1 + number % 4;
    if (way == Way::insert) o.writer = plan::WriterChoice::insert;
    if (way == Way::nothing) o.on_conflict = writer::OnConflict::nothing;
    if (way == Way::update) o.on_conflict = writer::OnConflict::update;
    o.atomic = way == Way::atomic;
    o.use_ledger = way != Way::no_ledger;
    return o;
  }

  /// The records for which the condition is true, as the table `raw`, then into `expected`.
  void expect_rows(Way way, const std::string& list, const std::string& outputs) {
    std::string conflict;
    if (way == Way::nothing) conflict = " on conflict do nothing";
    if (way == Way::update) {
      conflict = " on conflict (id) do update set ";
      std::string sets;
      for (std::size_t begin = 0; begin < outputs.size();) {
        const std::size_t end = std::min(outputs.find(',', begin), outputs.size());
        const std::string name = outputs.substr(begin, end - begin);
        if (name != "id") sets += (sets.empty() ? "" : ", ") + name + " = excluded." + name;
        begin = end + 1;
      }
      conflict += sets;
    }
    db().run("insert into expected (" + outputs + ") select " + list +
             " from raw as csv order by " + "line" + conflict);
  }

  void expect_same(const load::LoadReport& report, std::uint64_t kept) {
    EXPECT_EQ(content("expected"), content("stored"));
    EXPECT_EQ(records_ - kept, report.total.rows_filtered);
    EXPECT_EQ(static_cast<std::uint64_t>(records_), report.total.rows());
    EXPECT_EQ(static_cast<std::uint64_t>(records_), report.records_read);
    if (!report.load) return;
    EXPECT_EQ(
        "t",
        db().value("select bool_and(records_read = rows_stored + rows_updated + "
                   "rows_unchanged + rows_skipped + rows_filtered + rows_rejected) and "
                   "sum(rows_filtered) = (select rows_filtered from pgsluice.loads where "
                   "load_id = " +
                   std::to_string(report.load->value) +
                   ") from pgsluice.chunks where load_id = " + std::to_string(report.load->value)));
  }

  static constexpr int records_ = 120;
  std::string csv_;
  TemporaryFolder folder_;
};

TEST_F(SqlOverRecords, AConditionLeavesOutWhatCopyWhereDoes) {
  const std::array<std::string, 13> conditions{"true",
                                               "false",
                                               "null",
                                               "id % 2 = 0",
                                               "city <> ''",
                                               "city is null or ok",
                                               "fare > 50.25",
                                               "fare = 37.26",
                                               "at >= '2024-05-01' -- spring\n and not ok",
                                               "length(code) = 3",
                                               "stored.id in (1, 2, 3, 33)",
                                               "(id, code) > (40, 'b') /* ( */",
                                               "city ~ '[;)]' or city like E'o\\'%' or id = 7"};
  std::size_t number = 0;
  for (const std::string& condition : conditions) {
    for (const Way way : ways_of_turn(number)) {
      // COPY into the stage knows it by another name, and so does a view.
      const bool names_table = condition.starts_with("stored.");
      if (names_table && (way == Way::atomic || way == Way::view)) continue;
      SCOPED_TRACE(condition + ", way " + std::to_string(static_cast<int>(way)));
      make_tables(way);
      db().run(
          "drop table if exists raw; create table raw (like stored); alter table raw "
          "drop column note, add line bigserial");
      db().run("alter table raw rename to stored_raw");
      db().run("alter table stored rename to kept; alter table stored_raw rename to stored");
      const auto refused = db().copy("stored (id, city, fare, at, ok, code)",
                                     "format csv, header) where (\n" + condition + "\n", csv_);
      ASSERT_FALSE(refused) << refused->message;
      db().run("alter table stored rename to raw; alter table kept rename to stored");
      expect_rows(way, "id,city,fare,at,ok,code", "id,city,fare,at,ok,code");
      plan::LoadOptions options = options_for(way, number++);
      options.where = condition;
      const Loaded loaded = run_load(url(), options);
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      expect_same(loaded.report,
                  static_cast<std::uint64_t>(db().number("select count(*) from raw")));
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST_F(SqlOverRecords, AListMakesWhatInsertSelectDoes) {
  const struct {
    std::string list;
    std::string outputs;
    std::string condition;
  } examples[] = {
      {"id, city", "id,city", ""},
      {"*", "id,city,fare,at,ok,code", ""},
      {"csv.*, 'x' || id as note", "id,city,fare,at,ok,code,note", "id::int % 2 = 0"},
      {"id::int, upper(trim(city)) as city, fare::numeric * 2 as fare", "id,city,fare",
       "city <> ''"},
      {"id::int as id, (select k from pairs where v = csv.id::int) as note", "id,note", ""},
      {"id, coalesce(city, 'none') note, city", "id,note,city", "city is null or city > 'B'"},
      {"id::int, case when ok = 'true' then 1 else 0 end = 1 as ok, to_timestamp(id::float8) at "
       "time zone 'UTC' as at",
       "id,ok,at", "length(code) = 2"},
      {"id::int + 1000 as id, to_jsonb(csv) ->> 'city' as note -- a comment", "id,note", "null"},
      {"(id)::int as id, array_to_string(array[city, code], ', ') as note, $$it's, so$$ as city",
       "id,note,city", "exists (select from pairs where k = city) or ok is null"},
      {"csv.code as city, csv.id as id, ok::boolean is not true as ok", "city,id,ok", ""},
  };
  std::size_t number = 0;
  for (const auto& example : examples) {
    for (const Way way : ways_of_turn(number)) {
      SCOPED_TRACE(example.list + ", way " + std::to_string(static_cast<int>(way)));
      make_tables(way);
      db().run(
          "drop table if exists raw; create table raw (id text, city text, fare text, at "
          "text, ok text, code text, line bigserial)");
      const auto refused =
          db().copy("raw (id, city, fare, at, ok, code)", "format csv, header", csv_);
      ASSERT_FALSE(refused) << refused->message;
      if (!example.condition.empty())
        db().run("delete from raw as csv where (" + example.condition + "\n) is not true");
      // The oracle spells out what goes by itself from a text into its column.
      std::string list = example.list;
      const std::string all = "id::int, city, fare::numeric, at::timestamp, ok::boolean, code";
      if (list == "*") list = all;
      if (list.starts_with("csv.*")) list = all + list.substr(5);
      if (list == "id, city") list = "id::int, city";
      if (list.starts_with("id, coalesce")) list = "id::int" + list.substr(2);
      if (list.starts_with("csv.code")) list = "code, id::int, ok::boolean is not true";
      if (list.find("to_jsonb") != std::string::npos) list = "id::int + 1000, city";
      expect_rows(way, list, example.outputs);
      plan::LoadOptions options = options_for(way, number++);
      options.select = example.list;
      options.where = example.condition;
      options.batch_rows = number % 2 == 0 ? 7 : 5000;
      const Loaded loaded = run_load(url(), options);
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      expect_same(loaded.report,
                  static_cast<std::uint64_t>(db().number("select count(*) from raw")));
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST_F(SqlOverRecords, ARecordForWhichTheSqlFailsIsAReject) {
  const struct {
    std::string where;
    std::string select;
  } examples[] = {
      {"10 / (id - 50) is not null", ""},
      {"", "10 / (id::int - 50) as fare, id, city"},
      {"10 / (id::int - 50) is not null", "id, upper(city) as city"},
      {"", "case when id = '50' then 'x' else id end::int as id, city"},
  };
  std::size_t number = 0;
  for (const auto& example : examples) {
    for (const Way way : all_ways) {
      SCOPED_TRACE(example.where + example.select + ", way " +
                   std::to_string(static_cast<int>(way)));
      make_tables(way);
      plan::LoadOptions options = options_for(way, number++);
      options.where = example.where;
      options.select = example.select;
      const Loaded stopped = run_load(url(), options);
      EXPECT_EQ(FailureKind::bad_record, stopped.failure) << stopped.message;
      EXPECT_THAT(stopped.message, HasSubstr("in.csv:51"));
      options.rejects.rejects_max = 1;
      options.rejects_path = folder_ / ("rejects" + std::to_string(number) + ".csv");
      make_tables(way);
      const Loaded loaded = run_load(url(), options);
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      EXPECT_EQ(1U, loaded.report.rows_rejected);
      EXPECT_EQ(records_ - 1U, loaded.report.total.rows());
      EXPECT_THAT(read_file(options.rejects_path), HasSubstr("\n50,"));
      EXPECT_EQ(0, db().number("select count(*) from stored where id = 50"));
      make_tables(way);
      options.check = true;
      options.use_ledger = false;
      options.atomic = false;
      options.rejects_path.clear();
      const Loaded checked = run_load(url(), options);
      EXPECT_TRUE(checked.ok()) << checked.message;
      EXPECT_EQ(1U, checked.report.rows_rejected);
      ASSERT_FALSE(HasFailure());
    }
  }
}

/// A record that is left out needs no good row: COPY leaves it out before it looks at constraints.
TEST_F(SqlOverRecords, WhatIsLeftOutIsNotJudgedByTheTable) {
  for (const Way way : {Way::copy, Way::insert, Way::update, Way::atomic, Way::trigger}) {
    for (const bool selects : {false, true}) {
      SCOPED_TRACE(std::to_string(static_cast<int>(way)) + (selects ? ", a list" : ""));
      make_tables(way);
      db().run(
          "delete from stored; alter table stored alter column city set not null, add check "
          "(id <> 11)");
      plan::LoadOptions options = options_for(way, 1);
      options.where = selects ? "city is not null and id <> '11'" : "city is not null and id <> 11";
      if (selects) options.select = "id, city";
      const Loaded loaded = run_load(url(), options);
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      EXPECT_LT(20U, loaded.report.total.rows_filtered);
      EXPECT_LT(20U, loaded.report.total.rows_stored);
    }
  }
}

TEST_F(SqlOverRecords, SqlThatIsNoneIsRefusedBeforeTheFirstRow) {
  db().run(
      "create table one (id int primary key, city text, fare numeric, twice int generated "
      "always as (id * 2) stored)");
  const struct {
    std::string where;
    std::string select;
    std::string says;
  } examples[] = {
      {"count(*) > 1", "", "--where: aggregate functions"},
      {"row_number() over () = 1", "", "--where: window functions"},
      {"generate_series(1, id) = 1", "", "--where: set-returning functions"},
      {"id in (select 1)", "", "--where: cannot use subquery"},
      {"twice = 2", "", "--where: column \"twice\" does not exist"},
      {"ctid is not null", "", "--where: column \"ctid\" does not exist"},
      {"id", "", "--where: argument of WHERE must be type boolean"},
      {"idd = 1", "", "--where: column \"idd\" does not exist"},
      {"id = 1)", "", "--where: a ) closes"},
      {"true) or (true", "", ""},
      {"true) union select from pg_class where (true", "", "--where: "},
      {"id = 1; drop table one", "", "semicolon"},
      {"(id = 1; drop table one)", "", "semicolon"},
      {"id = 'x", "", "no end"},
      {"true /*", "", "no end"},
      {"id = $1", "", "there is no parameter $1"},
      {"id = :record", "", "there is no :record"},
      {" -- nothing", "", "it is empty"},
      {"id = \\gset", "", "psql's"},
      {"", "count(*) as id", "--select: aggregate functions"},
      {"", "row_number() over () as id", "--select: window functions"},
      {"", "generate_series(1, 2) as id", "--select: set-returning functions"},
      {"", "distinct id", "--select: syntax error"},
      {"", "id from pg_class", "--select: syntax error"},
      {"", "1 as id union select 2", "--select: syntax error"},
      {"", "id, city, ciity::text", "--select: column \"ciity\" does not exist"},
      {"", "id, city as ciity", "did you mean city?"},
      {"", "id, upper(city)", "is called \"upper\", which is no column"},
      {"", "id, 1 + 1", "is called \"?column?\""},
      {"", "id, city, fare as city", "\"city\" is given two values"},
      {"", "id, 1 as twice", "\"twice\" is a generated column"},
      {"", "id, fare || '' as fare", "is of type numeric but expression is of type text"},
      {"", "id, now() as fare", "is of type numeric"},
      {"", "id, $1 as city", "there is no parameter $1"},
      {"", "id,", "a comma stands"},
      {"", "id); drop table one; --", "--select: a ) closes"},
      {"id = (table pg_class)", "", "--where: "},
      {"id = (values (1))", "", "--where: cannot use subquery"},
      {"count(*) > 1", "id, city", "--where: aggregate functions are not allowed in WHERE"},
      {"upper(city)", "id, city", "--where: argument of WHERE must be type boolean"},
      {"ciity = 'x'", "id, city", "--where: column \"ciity\" does not exist"},
  };
  for (const auto& example : examples) {
    SCOPED_TRACE(example.where + " | " + example.select);
    for (const bool atomic : {false, true}) {
      plan::LoadOptions options;
      options.path = folder_.write("one.csv", "id,city,fare\n1,a,2\n");
      options.table = "one";
      options.where = example.where;
      options.select = example.select;
      options.atomic = atomic;
      const Loaded loaded = run_load(url(), options);
      ASSERT_EQ(FailureKind::usage, loaded.failure) << loaded.message;
      EXPECT_THAT(loaded.message, HasSubstr(example.says));
      EXPECT_EQ(0, db().number("select count(*) from one"));
    }
  }
  EXPECT_EQ("0", db().value("select case when to_regclass('pgsluice.loads') is null then 0 else 1 "
                            "end"));
}

TEST_F(SqlOverRecords, NamesMayBeAnything) {
  db().run(
      "create table \"Odd \"\"T\" (\"Trip ID\" int, \"select\" text, \"é\" text, csv text, "
      "ctid_ text)");
  plan::LoadOptions options;
  options.path = folder_.write(
      "odd.csv",
      "Trip ID,select,\"q\"\"x\",csv,pgsluice_fed,ctid,é,null\n1,s,q,c,p,t,e,n\n2,,,,,,,\n");
  options.table = "\"Odd \"\"T\"";
  options.select =
      "\"Trip ID\", csv.\"select\" || \"q\"\"x\" as \"select\", é, csv.csv || pgsluice_fed || "
      "\"null\" as csv, csv.ctid as ctid_";
  options.where = "\"Trip ID\" = '1'";
  Loaded loaded = run_load(url(), options);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ("1|sq|e|cpn|t",
            db().value("select concat_ws('|', \"Trip ID\", \"select\", \"é\", csv, ctid_) from "
                       "\"Odd \"\"T\""));
  options.select.clear();
  options.path = folder_.write("odd2.csv", "Trip ID,select\n1,a\n2,b\n");
  options.where = "\"Odd \"\"T\".\"Trip ID\" = 2 and \"select\" = 'b'";
  for (const auto conflict : {writer::OnConflict::error, writer::OnConflict::nothing}) {
    db().run(
        "truncate \"Odd \"\"T\"; create unique index if not exists u on \"Odd \"\"T\" "
        "(\"Trip ID\")");
    options.on_conflict = conflict;
    if (conflict == writer::OnConflict::nothing) options.key = {"Trip ID"};
    options.again = true;
    loaded = run_load(url(), options);
    ASSERT_TRUE(loaded.ok()) << loaded.message;
    EXPECT_EQ("2", db().value("select string_agg(\"Trip ID\"::text, ',') from \"Odd \"\"T\""));
  }
}

TEST_F(SqlOverRecords, WordsStandForTheLoad) {
  db().run("create table w (id int, f text, p text, r bigint, l bigint, n timestamptz, s text)");
  plan::LoadOptions options;
  options.path = folder_.write("in.csv", "id\n7\n8\n9\n");
  options.table = "w";
  options.select =
      "id, :file as f, :path as p, :record as r, :load as l, :now as n, ':file' || id::text as s";
  options.where = ":record <> 2 and :file like '%in.csv'";
  options.chunk_bytes = 3;
  Loaded loaded = run_load(url(), options);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ("7 1 :file7, 9 3 :file9",
            db().value("select string_agg(concat_ws(' ', id, r, s), ', ' order by id) from w"));
  EXPECT_EQ("1 1 1", db().value("select concat_ws(' ', count(distinct (f, p, n)), count(distinct "
                                "l), min(l)) from w where f = p and n between now() - interval '1 "
                                "hour' and now() + interval '1 minute'"));
}

}  // namespace
}  // namespace sluice::test
