#include <gmock/gmock.h>

#include "cli/every_command.hpp"
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

  db().run(tables_of_every_command);
  run_every_command(folder_, url(), options, [this, before] {
    EXPECT_EQ("",
              db().value("select coalesce(string_agg(distinct what, ', '), '') from evil.calls"));
    EXPECT_EQ(before, db().number("select last_value from evil.count")) << "and rolled back";
  });
}

}  // namespace
}  // namespace sluice::test
