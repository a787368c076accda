#include <gmock/gmock.h>

#include <filesystem>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

/// CVE-2018-1058: whoever may create in a schema of the path must not run as the user who loads.
/// All that the system's catalog has (functions, aggregates, operators, types, tables) stands under
/// its name in a schema in front of it, and says so when it is used; also where the transaction
/// that used it fails.
constexpr const char* shadows_of_the_catalog = R"sql(
create schema evil;
create table evil.calls (what pg_catalog.text);
create sequence evil.count;
create function evil.log(what pg_catalog.text) returns pg_catalog.bool language plpgsql
  set search_path = pg_catalog as $f$ begin
    perform nextval('evil.count'); insert into evil.calls values (what); return true; end $f$;
do $do$
declare
  f record;
  body constant text := 'language plpgsql as $f$ begin perform evil.log(%L); return%s; end $f$';
begin
  for f in select p.oid, p.proname, pg_get_function_arguments(p.oid) as arguments,
      pg_get_function_result(p.oid) as result, p.oid::regprocedure::text as what,
      p.proretset or p.proargmodes::text ~ '[ob]' or p.prorettype = 'void'::regtype as is_plain_return
    from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind in ('f', 'a', 'w')
  loop
    begin
      execute format('create function evil.%I(%s) returns %s ', f.proname, f.arguments, f.result) ||
        format(body, f.what, case when f.is_plain_return then '' else ' null' end);
    exception when others then null;  -- of a kind that nobody can make: internal, cstring, "any"
    end;
  end loop;
  for f in select p.proname, a.arguments, format_type(p.prorettype, null) as result from pg_proc p,
      (values ('text, text'), ('text, name'), ('text, anyelement'), ('text, anyelement, anyelement'),
              ('text, text, anyelement'), ('text, anyelement, anyelement, anyelement'), ('anyelement'),
              ('anyelement, anyelement')) a (arguments)
    where p.pronamespace = 'pg_catalog'::regnamespace and p.provariadic <> 0
  loop
    begin
      execute format('create function evil.%I(%s) returns %s ', f.proname, f.arguments, f.result) ||
        format(body, f.proname || '(' || f.arguments || ')', ' null');
    exception when others then null;
    end;
  end loop;
  for f in select o.oid, o.oprname, nullif(o.oprleft, 0)::regtype as l, o.oprright::regtype as r,
      o.oprresult::regtype as result, o.oid::regoperator::text as what
    from pg_operator o where o.oprnamespace = 'pg_catalog'::regnamespace
  loop
    begin
      execute format('create function evil.o_%s(%s) returns %s ', f.oid, concat_ws(', ', f.l, f.r), f.result) ||
        format(body, f.what, ' null');
      execute format('create operator evil.%s (function = evil.o_%s, %s rightarg = %s)', f.oprname, f.oid,
        'leftarg = ' || f.l || ',', f.r);
    exception when others then null;
    end;
  end loop;
  for f in select t.typname from pg_type t where t.typnamespace = 'pg_catalog'::regnamespace
      and t.typtype in ('b', 'r') and t.typname !~ '^_'
  loop
    begin
      execute format('create domain evil.%1$I as pg_catalog.%1$I check (evil.log(%2$L))', f.typname,
        'type ' || f.typname);
    exception when others then null;
    end;
  end loop;
  for f in select c.relname from pg_class c where c.relnamespace = 'pg_catalog'::regnamespace
      and c.relkind in ('r', 'v')
  loop
    begin
      execute format('create view evil.%1$I as select * from pg_catalog.%1$I where evil.log(%2$L)', f.relname,
        'table ' || f.relname);
    exception when others then null;
    end;
  end loop;
end $do$)sql";

class Shadowing : public DatabaseTest {
 protected:
  void SetUp() override { db().run(shadows_of_the_catalog); }

  std::int64_t shadows(const std::string& of, const std::string& schema_column) {
    return db().number("select count(*) from pg_catalog." + of + " where " + schema_column +
                       " = 'evil'::regnamespace");
  }

  TemporaryFolder folder_;
};

TEST_F(Shadowing, NothingOfOthersIsEverCalled) {
  EXPECT_GT(shadows("pg_proc", "pronamespace"), 2500);
  EXPECT_GT(shadows("pg_operator", "oprnamespace"), 500);
  EXPECT_GT(shadows("pg_type", "typnamespace"), 150);
  EXPECT_GT(shadows("pg_class", "relnamespace"), 100);
  // That they are found where nobody has thought of them.
  const Process::Options options{
      .environment = {"PGOPTIONS=-c search_path=evil,public,pg_catalog"}};
  db().run(
      "set search_path = evil, public, pg_catalog; "
      "select left('a', 1)::text || 'b', format('%s', relname) from pg_class limit 1; "
      "reset search_path");
  EXPECT_EQ(5, db().number("select count(distinct what) from evil.calls"))
      << db().value("select string_agg(distinct what, ', ') from evil.calls");
  db().run("truncate evil.calls");
  const std::int64_t before = db().number("select last_value from evil.count");

  db().run(R"(create table public.t (id int, v text, at timestamptz);
      create table public.k (id int primary key, v text, at timestamptz); create index on public.k (v);
      create table public.p (id int, v text, at timestamptz, primary key (id)) partition by range (id);
      create table public.p1 partition of public.p for values from (0) to (200);
      create table public.p2 partition of public.p default;
      create unlogged table public.u (id int, v text, at timestamptz);
      create view public.w as select * from public.t;
      create table public.c (id int primary key, v text check (v <> 'text of 7') , at timestamptz))");
  std::string csv = "id,v,at\n";
  for (int i = 0; i < 400; ++i)
    csv += std::to_string(i) + ",text of " + std::to_string(i) + ",2026-01-01 12:00\n";
  const std::string in = folder_.write("in.csv", csv);
  const std::string same = folder_.write("same.csv", csv);
  const std::string bad =
      folder_.write("bad.csv", "id,v,at\n1,a,2026-01-01\nx,b,now\n3,c,today\n5,b,infinity\n");
  std::filesystem::create_directory(folder_ / "m");
  folder_.write("m/001_a.sql", "create table public.made (a int)");
  folder_.write("m/002_b.sql",
                "-- pgsluice: no-transaction\ncreate index concurrently i on public.made (a)");
  folder_.write("m/R__c.sql", "create or replace view public.of_made as select a from public.made");
  folder_.write("job.sql", "insert into public.made values (1)");
  const std::string jobs = folder_.write(
      "pgsluice.toml",
      "[[job]]\nname = \"j\"\ncron = \"* * * * *\"\nsql = \"job.sql\"\n[[job]]\nname = "
      "\"l\"\ncron = \"* * * * *\"\nload = [\"in.csv\"]\ntable = \"public.u\"\n");
  const std::vector<std::vector<std::string>> commands{
      {"load", in, "-t", "t"},
      {"load", in, "-t", "t"},
      {"load", same, "-t", "t", "--same-content", "load"},
      {"load", in, "-t", "t", "--again", "--chunk-size", "1KiB"},
      {"load", in, "-t", "t", "--again", "--truncate", "--chunk-size", "1KiB"},
      {"load", in, "-t", "t", "--again", "--no-ledger"},
      {"load", in, "-t", "t", "--again", "--writer", "insert", "--chunk-size", "1KiB"},
      {"load", in, "-t", "t", "--again", "--truncate", "--atomic"},
      {"load", in, "-t", "u", "--chunk-size", "1KiB"},
      {"load", in, "-t", "w"},
      {"load", in, "-t", "k", "--on-conflict", "update", "--chunk-size", "1KiB"},
      {"load", in, "-t", "k", "--on-conflict", "update", "--update-if-changed", "--again"},
      {"load", in, "-t", "k", "--on-conflict", "update", "--update-columns", "v", "--dedupe",
       "last", "--again"},
      {"load", in, "-t", "k", "--on-conflict", "nothing", "--again", "--atomic"},
      {"load", in, "-t", "k", "--truncate", "--again", "--defer-indexes"},
      {"load", in, "-t", "p", "--on-conflict", "update", "--chunk-size", "1KiB"},
      {"load", in, "-t", "p", "--on-conflict", "update", "--update-if-changed", "--again"},
      {"load", in, "-t", "c", "--max-rejects", "5", "--chunk-size", "1KiB"},
      {"load", bad, "-t", "c", "--max-rejects", "5", "--atomic", "--truncate"},
      {"load", bad, "-t", "c", "--max-rejects", "9", "--on-conflict", "update", "--again"},
      {"load", bad, "-t", "t", "--max-rejects", "5"},
      {"load", in, "-t", "t", "--dry-run"},
      {"check", in, "-t", "t"},
      {"loads"},
      {"loads", "show", "1"},
      {"loads", "restore", "1"},
      {"migrate", "plan", "--dir", folder_ / "m"},
      {"migrate", "up", "--dir", folder_ / "m"},
      {"migrate", "repair", "--dir", folder_ / "m", "--accept", "1"},
      {"migrate", "status", "--dir", folder_ / "m"},
      {"schedule", "run", "--once", "--config", jobs},
      {"schedule", "history"}};
  for (std::vector<std::string> command : commands) {
    std::string words;
    for (const std::string& word : command) words += word + " ";
    SCOPED_TRACE(words);
    if (command[1] == "repair") folder_.write("m/001_a.sql", "create table public.made (a bigint)");
    command.insert(command.end(), {"-d", url()});
    const Finished finished = pgsluice(command, options);
    EXPECT_TRUE(finished.exit_code == 0 || finished.exit_code == 3)
        << finished.exit_code << ": " << finished.err;
    EXPECT_EQ("",
              db().value("select coalesce(string_agg(distinct what, ', '), '') from evil.calls"));
    EXPECT_EQ(before, db().number("select last_value from evil.count")) << "and rolled back";
  }
}

}  // namespace
}  // namespace sluice::test
