#include <gmock/gmock.h>

#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// What a load promises, tried with the program as people call it.
class Promises : public DatabaseTest {
 protected:
  void SetUp() override { db().run("create table t (id int, v text)"); }

  Finished load(const std::string& file, std::vector<std::string> more = {},
                Process::Options options = {}) {
    std::vector<std::string> arguments{"load", file, "-t", "t", "--progress", "none", "-d", url()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return pgsluice(std::move(arguments), std::move(options));
  }
  std::int64_t rows() { return db().number("select count(*) from t"); }
  static std::string lines(int first, int end) {
    std::string csv = "id,v\n";
    for (int i = first; i < end; ++i)
      csv += std::to_string(i) + ",text of " + std::to_string(i) + "\n";
    return csv;
  }

  TemporaryFolder folder_;
};

TEST_F(Promises, OtherSpellingsOfTheSameOptionsAreTheSameLoad) {
  const std::string in = folder_.write("in.csv", "id,v\n1,a\n2,b\n");
  ASSERT_EQ(0, load(in).exit_code);
  const std::vector<std::vector<std::string>> spellings{{"--encoding", "utf-8"},
                                                        {"--encoding", "UTF8"},
                                                        {"--delimiter", ","},
                                                        {"--header", "match"},
                                                        {"--columns", "id,v", "--header", "skip"},
                                                        {"--map", "id=id"},
                                                        {"--ignore-extra"},
                                                        {"--set", "synchronous_commit=off"},
                                                        {"--lock-timeout", "5s"},
                                                        {"--truncate"}};
  for (const auto& spelling : spellings) {
    const Finished again = load(in, spelling);
    EXPECT_EQ(0, again.exit_code) << spelling.front() << again.err;
    EXPECT_THAT(again.out, HasSubstr("nothing to do")) << spelling.front();
  }
  EXPECT_EQ(2, rows());
  const Finished other = load(in, {"--null", "a"});
  EXPECT_EQ(7, other.exit_code);
  EXPECT_THAT(other.err, HasSubstr("--null: \"\" then, \"a\" now"));
  EXPECT_EQ(7, load(in, {"--limit", "1"}).exit_code);
  EXPECT_EQ(2, rows());
}

TEST_F(Promises, AFileAndAStreamOfItsBytesAreOneLoad) {
  const std::string in = folder_.write("in.csv", "id,v\n1,a\n2,b\n");
  ASSERT_EQ(0, load(in).exit_code);
  EXPECT_THAT(load("-", {}, {.input = in}).out, HasSubstr("nothing to do"));
  const std::string other = folder_.write("other.csv", "id,v\n3,c\n");
  ASSERT_EQ(0, load("-", {}, {.input = other}).exit_code);
  EXPECT_THAT(load(other).out, HasSubstr("nothing to do"));
  EXPECT_EQ(3, rows());
}

TEST_F(Promises, TheSameContentUnderAnotherNameIsNotLeftOutWithoutAWord) {
  const std::string first = folder_.write("hour-00.csv", "id,v\n1,ok\n");
  const std::string second = folder_.write("hour-01.csv", "id,v\n1,ok\n");
  ASSERT_EQ(0, load(first).exit_code);
  const Finished refused = load(second);
  EXPECT_EQ(7, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr(second + " has the same content as " + first));
  EXPECT_THAT(load(second, {"--same-content", "skip"}).out, HasSubstr("nothing to do"));
  EXPECT_EQ(1, rows());
  EXPECT_EQ(0, load(second, {"--same-content", "load"}).exit_code);
  EXPECT_EQ(2, rows());
  EXPECT_THAT(load(first).out, HasSubstr("nothing to do"));
  const std::string empty = folder_.write("empty-0.csv", "id,v\n");
  const std::string empty_too = folder_.write("empty-1.csv", "id,v\n");
  EXPECT_EQ(0, load(empty).exit_code);
  EXPECT_EQ(0, load(empty_too).exit_code);
}

TEST_F(Promises, AFileThatHasGrownIsNeverLoadedTwice) {
  for (const int rows_before : {10, 30'000}) {
    db().run("truncate t; drop schema if exists pgsluice cascade");
    const std::string in = folder_.write("log.csv", lines(0, rows_before));
    ASSERT_EQ(0, load(in).exit_code);
    folder_.write("log.csv", lines(0, rows_before + 5));
    const Finished refused = load(in);
    EXPECT_EQ(7, refused.exit_code) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("--grown append"));
    const Finished appended = load(in, {"--grown", "append"});
    EXPECT_EQ(0, appended.exit_code) << appended.err;
    EXPECT_EQ(rows_before + 5, rows());
    EXPECT_THAT(load(in).out, HasSubstr("nothing to do"));
    folder_.write("log.csv", lines(0, rows_before + 9));
    EXPECT_EQ(0, load(in, {"--grown", "append"}).exit_code) << "once more, behind the last one";
    EXPECT_EQ(rows_before + 9, rows());
    EXPECT_EQ(rows_before + 9, db().number("select count(distinct id) from t"));
  }
}

TEST_F(Promises, ATornFileIsNotAppendedTo) {
  const std::string in = folder_.write("in.csv", "id,v\n1,a\n2,trunc");
  ASSERT_EQ(0, load(in).exit_code);
  folder_.write("in.csv", "id,v\n1,a\n2,truncated\n");
  EXPECT_EQ(7, load(in).exit_code);
  const Finished appended = load(in, {"--grown", "append"});
  EXPECT_EQ(7, appended.exit_code);
  EXPECT_THAT(appended.err, HasSubstr("no line end"));
  EXPECT_EQ(0, load(in, {"--grown", "load", "--truncate"}).exit_code);
  EXPECT_EQ("truncated", db().value("select v from t where id = 2"));
}

TEST_F(Promises, AnUpsertGoesBackToAnOldState) {
  db().run("drop table t; create table t (id int primary key, v text)");
  const std::string a = folder_.write("a.csv", "id,v\n1,A\n");
  const std::string b = folder_.write("b.csv", "id,v\n1,B\n");
  for (const auto& [file, v] : {std::pair{a, "A"}, std::pair{b, "B"}, std::pair{a, "A"}}) {
    const Finished loaded = load(file, {"--on-conflict", "update"});
    EXPECT_EQ(0, loaded.exit_code) << loaded.err;
    EXPECT_EQ(v, db().value("select v from t"));
  }
  EXPECT_THAT(load(a, {"--on-conflict", "update"}).out, HasSubstr("nothing to do"));
}

TEST_F(Promises, AllFilesOfACommandShareAFewConnections) {
  std::vector<std::string> arguments{"load"};
  for (int i = 0; i < 60; ++i)
    arguments.push_back(folder_.write("part" + std::to_string(i) + ".csv", lines(i, i + 2)));
  arguments.insert(arguments.end(), {"-t", "t", "-j", "2", "--progress", "none", "-d", url()});
  Process process(arguments);
  std::int64_t most = 0;
  while (process.running()) {
    most = std::max(most, sessions());
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(0, process.wait().exit_code);
  EXPECT_EQ(120, rows());
  EXPECT_LE(most, 4);
}

/// A table that changes while it is loaded: the types have the same width, so that the server would
/// take the bytes of one for the other.
TEST_F(Promises, ATableThatChangesStopsTheLoad) {
  const std::string in = folder_.write("big.csv", lines(0, 120'000));
  const std::vector<std::vector<std::string>> ways{
      {}, {"--writer", "insert"}, {"--on-conflict", "nothing"}, {"--atomic"}};
  const std::vector<std::string> changes{
      "alter table t alter id type float4", "alter table t alter id type oid using id::oid",
      "alter table t alter id type int8",
      "alter table t rename to t_old; create table t (like t_old including all)"};
  for (const auto& way : ways) {
    for (const std::string& change : changes) {
      db().run("drop table if exists t, t_old; create table t (id int primary key, v text)");
      std::vector<std::string> arguments{
          "load",  in,           "-t",         "t",           "--again",
          "-d",    url(),        "--progress", "none",        "--chunk-size",
          "64KiB", "--max-rate", "2MB/s",      "--retry-for", "3s"};
      arguments.insert(arguments.end(), way.begin(), way.end());
      Process process(arguments);
      ASSERT_TRUE(
          comes_true("select count(*) > 2 from pgsluice.chunks join pgsluice.loads using "
                     "(load_id) where state = 'unfinished'"));
      db().run(change);
      const Finished finished = process.wait();
      const std::string what = (way.empty() ? "copy" : way.back()) + ": " + change;
      EXPECT_EQ(1, finished.exit_code) << what << "\n" << finished.err;
      EXPECT_THAT(finished.err, HasSubstr("the load began")) << what;
      EXPECT_EQ(0, db().number("select count(*) from t where v <> 'text of ' || id::int8")) << what;
      db().run("update pgsluice.loads set state = 'void'");
    }
  }
}

/// CVE-2018-1058: whoever may create in a schema of the path must not run as the user who loads.
/// Everything that the system's catalog has under a name that our SQL uses is shadowed, in a path
/// that has the schema in front.
TEST_F(Promises, FunctionsOfOthersAreNeverCalled) {
  db().run("create schema evil; create table evil.called (what text)");
  db().run(R"(do $$ declare f record; begin
    for f in select p.proname, pg_get_function_identity_arguments(p.oid) as arguments,
        p.prorettype::regtype as result, p.proretset, l.lanname
      from pg_proc p join pg_language l on l.oid = p.prolang
      where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f' and p.provariadic = 0
        and not p.proretset and p.prorettype::regtype::text not in ('internal', 'cstring', 'trigger', 'event_trigger',
          'anyelement', 'anyarray', 'anycompatible', 'record', 'anyenum', 'anyrange', 'anynonarray')
        and pg_get_function_identity_arguments(p.oid) !~ 'internal|cstring|any|OUT '
        and p.proname in ('format', 'hashtextextended', 'set_config', 'current_setting', 'to_regclass',
          'to_regnamespace', 'has_schema_privilege', 'has_table_privilege', 'version', 'now', 'clock_timestamp',
          'date_trunc', 'quote_ident', 'row_security_active', 'format_type', 'pg_backend_pid', 'starts_with',
          'pg_terminate_backend', 'currval', 'nextval', 'pg_get_serial_sequence', 'pg_get_userbyid', 'substr',
          'pg_try_advisory_xact_lock', 'pg_try_advisory_xact_lock_shared', 'pg_advisory_xact_lock',
          'pg_try_advisory_lock', 'pg_has_role', 'to_timestamp', 'int8', 'text', 'textcat', 'oideq', 'int8eq',
          'texteq', 'nameeq', 'int4eq', 'int8ne', 'textne', 'pg_get_indexdef', 'obj_description', 'setval',
          'current_database', 'has_sequence_privilege', 'length', 'left', 'repeat')
    loop
      begin
        execute format('create function evil.%I(%s) returns %s language plpgsql as $f$ begin '
          'insert into evil.called values (%L); return null; end $f$', f.proname, f.arguments, f.result,
          f.proname || '(' || f.arguments || ')');
      exception when others then null;
      end;
    end loop;
    for f in select o.oprname, o.oprleft::regtype as l, o.oprright::regtype as r, o.oprresult::regtype as result
      from pg_operator o where o.oprnamespace = 'pg_catalog'::regnamespace and o.oprkind = 'b'
        and o.oprname in ('=', '<>', '||', '<', '>', '-', '+', '*', '/', '~', '!~', '&', '<<', '|')
        and o.oprleft::regtype::text in ('text', 'name', 'oid', 'bigint', 'integer', 'boolean', '"char"', 'regclass',
          'timestamp with time zone', 'numeric', 'interval', 'smallint')
    loop
      begin
        execute format('create function evil.o_%s(%s, %s) returns %s language plpgsql as $f$ begin '
          'insert into evil.called values (%L); return null; end $f$', md5(f.oprname), f.l, f.r, f.result,
          format('%s %s %s', f.l, f.oprname, f.r));
        execute format('create operator evil.%s (function = evil.o_%s, leftarg = %s, rightarg = %s)',
          f.oprname, md5(f.oprname), f.l, f.r);
      exception when others then null;
      end;
    end loop; end $$)");
  ASSERT_GT(db().number("select count(*) from pg_proc where pronamespace = 'evil'::regnamespace"),
            50);
  ASSERT_GT(
      db().number("select count(*) from pg_operator where oprnamespace = 'evil'::regnamespace"),
      20);
  db().run("create table public.k (id int primary key, v text); create index on k (v)");
  const std::string in = folder_.write("in.csv", lines(0, 400));
  const std::string bad = folder_.write("bad.csv", "id,v\n1,a\nx,b\n3,c\n");
  folder_.write("001_a.sql", "create table public.made (a int)");
  const Process::Options options{
      .environment = {"PGOPTIONS=-c search_path=evil,public,pg_catalog"}};
  const std::vector<std::vector<std::string>> commands{
      {"load", in, "-t", "t"},
      {"load", in, "-t", "t", "--again", "--chunk-size", "1KiB"},
      {"load", in, "-t", "t", "--again", "--writer", "insert", "--chunk-size", "1KiB"},
      {"load", in, "-t", "t", "--again", "--truncate", "--atomic"},
      {"load", in, "-t", "k", "--on-conflict", "update", "--chunk-size", "1KiB"},
      {"load", in, "-t", "k", "--on-conflict", "nothing", "--again", "--atomic"},
      {"load", in, "-t", "k", "--truncate", "--again", "--defer-indexes"},
      {"load", bad, "-t", "t", "--max-rejects", "5"},
      {"check", in, "-t", "t"},
      {"loads"},
      {"loads", "show", "1"},
      {"migrate", "up", "--dir", folder_ / ""},
      {"migrate", "status", "--dir", folder_ / ""},
      {"schedule", "history"}};
  for (std::vector<std::string> command : commands) {
    command.insert(command.end(), {"-d", url()});
    const Finished finished = pgsluice(command, options);
    EXPECT_TRUE(finished.exit_code == 0 || finished.exit_code == 3)
        << command[0] << " " << command[1] << ": " << finished.err;
  }
  EXPECT_EQ("",
            db().value("select coalesce(string_agg(distinct what, ', '), '') from evil.called"));
}

TEST_F(Promises, ASchemaOfSomebodyElseIsNotTrusted) {
  url_of_new_role("promises_mallory");
  db().run("create schema pgsluice authorization promises_mallory");
  const std::string in = folder_.write("in.csv", "id,v\n1,a\n");
  const Finished refused = load(in);
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("alter schema pgsluice owner to"));
  EXPECT_EQ(0, rows());
  db().run("drop schema pgsluice cascade");
}

/// A role of the name pgsluice has our own schema in front of its path.
TEST_F(Promises, MigrationsMakeNothingInTheLedger) {
  folder_.write("001_a.sql", "create table made (a int)");
  folder_.write("002_b.sql", "-- pgsluice: no-transaction\ncreate table made_too (a int)");
  const Process::Options options{.environment = {"PGOPTIONS=-c search_path=pgsluice,public"}};
  for (int i = 0; i < 2; ++i) {
    const Finished up = pgsluice({"migrate", "up", "--dir", folder_ / "", "-d", url()}, options);
    EXPECT_EQ(0, up.exit_code) << up.err;
  }
  EXPECT_EQ("public.made,public.made_too",
            db().value("select string_agg(oid::regclass::text, ',' order by relname) from pg_class "
                       "where relname like 'made%' and set_config('search_path', '', true) = ''"));
}

TEST_F(Promises, NothingIsLoadedIntoTheLedger) {
  const std::string in = folder_.write("in.csv", "id,v\n1,a\n");
  ASSERT_EQ(0, load(in).exit_code);
  for (const char* table : {"loads", "pgsluice.loads"}) {
    const Finished refused =
        pgsluice({"load", in, "-t", table, "-d", url()},
                 {.environment = {"PGOPTIONS=-c search_path=pgsluice,public"}});
    EXPECT_EQ(2, refused.exit_code) << table;
    EXPECT_THAT(refused.err, HasSubstr("pgsluice's own")) << table;
  }
}

}  // namespace
}  // namespace sluice::test
