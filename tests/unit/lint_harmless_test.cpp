#include <gtest/gtest.h>

#include "lint_cases.hpp"

namespace sluice::lint {

const std::vector<const char*> harmless_files{
    "",
    "-- nothing but a comment: drop table t; alter table t drop column c",
    "select 1",
    "create schema if not exists app authorization app_owner",
    "create extension if not exists pgcrypto with schema public",
    "create table app.accounts (\n  id bigint generated always as identity primary key,\n  email "
    "text "
    "not null unique,\n  created_at timestamptz not null default now()\n)",
    "create table if not exists t (id bigint, constraint t_id_positive check (id > 0))",
    "create unlogged table t (id uuid primary key default gen_random_uuid())",
    "create temp table t (id int, at timestamp, c char(3), d varchar(9), e serial, f json)",
    "create temporary table t on commit drop as select * from u",
    "create table t as select * from u with no data",
    "create table t (like u including all excluding indexes)",
    "create table t (id bigint) partition by range (id)",
    "create table t_1 partition of t for values from (1) to (1000)",
    "create table t_1 partition of t default",
    "create table t (a bigint, b bigint, primary key (a, b) include (c), exclude using gist (a "
    "with "
    "=))",
    "create table t (a numeric(10, 2) default (1 + 2) * 3, b text collate \"C\" not null)",
    "create table t (a text default 'drop table t; alter table t drop column c;')",
    "create table t (a text default $$ ' ; alter table t add unique (a); $$)",
    "create table t (a text default E'it\\'s; drop table t')",
    "create table \"drop table t\" (\"alter column c type int\" text)",
    "create table \"A.b\".\"c;d\" (\"e\"\"f\" text)",
    "create table t (during tstzrange, exclude using gist (during with &&))",
    "create table t (id bigint references u (id) on delete cascade deferrable initially deferred)",
    "create table t (a text[] not null default '{}', b bigint[][], c text array)",
    "create table t (a interval day to second(3), b bit varying(5), c double precision)",
    "create table t (a timestamp (6) with time zone, b time without time zone, c date)",
    "create table t (a pg_catalog.text, b app.\"integer\", c \"int\", d app.char)",
    "create table t (a bigint storage main, b text compression lz4)",
    "create table t () inherits (u)",
    "create table t of app.row_type (primary key (id))",
    "create foreign table t (a text options (column_name 'A')) server s options (table_name 'T')",
    "create table t (a text); create index on t (a); create unique index t_a on t (a); drop index "
    "t_a",
    "create table t (a text); alter table t add unique (a), alter a set not null, drop a",
    "create table t (a text); alter table t rename to u; alter table u add unique (a)",
    "create table t (a text); alter table t set schema app; drop table app.t",
    "create table app.t (a text); alter table t rename a to b; alter table t rename b to c",
    "create table t (a bigint); insert into t select g from generate_series(1, 100) g; create "
    "index "
    "on t (a); update t set a = 2; alter table t add primary key (a)",
    "create materialized view v as select * from t; create unique index on v (id); refresh "
    "materialized view v",
    "create materialized view v as select * from t with no data",
    "refresh materialized view v with no data",
    "create or replace view v as select id, null::int as n, 'x'::char(3) as c from t",
    "create or replace function f() returns trigger language plpgsql as $f$ begin drop table t; "
    "alter table t drop column c; return new; end $f$",
    "create function f(a int, b varchar(3)) returns int language sql begin atomic select a; select "
    "case when a > 1 then 2 else 3 end; end",
    "create procedure p() language plpgsql as $$ begin commit; end $$",
    "create or replace procedure p() begin atomic insert into t values (1); end",
    "create sequence if not exists s as bigint owned by none",
    "alter sequence s owned by t.id",
    "alter sequence s restart with 100",
    "create type state as enum ('new', 'done')",
    "create type pair as (a int, b timestamp)",
    "alter type state rename value 'new' to 'fresh'",
    "alter type state add value if not exists 'paused' after 'new'",
    "alter type pair rename to couple",
    "create domain app.name as text collate \"C\"",
    "alter domain d set default 'x'",
    "alter domain d validate constraint d_check",
    "alter domain d drop constraint d_check",
    "create rule r as on insert to v do instead (insert into a values (new.id); insert into b "
    "values "
    "(new.id))",
    "create trigger r before update on t for each row execute function f()",
    "drop trigger if exists r on t",
    "drop view if exists v cascade",
    "drop materialized view v",
    "drop function f(int, text)",
    "drop sequence if exists s",
    "drop type if exists state",
    "drop policy p on t",
    "drop extension if exists hstore",
    "create policy p on t using (owner = current_user)",
    "alter table t enable row level security",
    "alter table t owner to app_owner",
    "alter table t alter column c set default 'x'",
    "alter table t alter c set (n_distinct = -1)",
    "alter table t alter column c set storage external",
    "alter table t set (autovacuum_vacuum_scale_factor = 0.01)",
    "alter table t reset (fillfactor)",
    "alter table t replica identity full",
    "alter table t disable trigger all",
    "alter table t inherit u",
    "alter table t alter constraint f deferrable initially deferred",
    "alter table t add column a text",
    "alter table t add a text null, add b bigint default 0 not null",
    "alter table t add column if not exists a text collate \"de-x-icu\" default 'x'::text",
    "alter table t add column at timestamptz not null default current_timestamp + interval '1 day'",
    "alter table t add column a jsonb not null default '{}'::jsonb, add column b text default "
    "upper('x')",
    "alter table t add column a boolean default (not true) not null",
    "alter table t add column a numeric(10, 2) default cast(1 as numeric(10, 2))",
    "alter table t add column a text[] default array['a', 'b']",
    "alter table t add column a bigint generated always as (b + 1) virtual",
    "alter table t add column a bigint constraint p references u (id)",
    "alter table t add constraint f foreign key (a, b) references u (a, b) match full on update "
    "cascade deferrable not valid",
    "alter table t validate constraint f",
    "alter table t drop constraint if exists f",
    "alter table t rename constraint f to g",
    "alter table t alter column a add generated always as identity",
    "alter table t add constraint u unique using index u_idx deferrable",
    "alter table if exists only app.t * alter column c set default 1",
    "alter table all in tablespace a set tablespace b",
    "alter index i set (fillfactor = 70)",
    "alter index p attach partition i",
    "alter index i alter column 1 set statistics 100",
    "alter view v rename to w",
    "alter materialized view v rename to w",
    "alter function f() owner to app",
    "alter role app set lock_timeout = '3s'",
    "alter database current set timezone = 'UTC'",
    "alter default privileges in schema app grant select on tables to reader",
    "grant select, truncate on all tables in schema app to reader",
    "revoke all on t from public",
    "comment on table t is 'create index i on t (a); drop table t'",
    "comment on column t.c is $x$ truncate t cascade $x$",
    "insert into t (a, b) values (1, 'drop table t; vacuum full'), (2, $$ begin $$)",
    "insert into t select * from u on conflict (id) do update set a = excluded.a",
    "update t set a = 1 where id between 1 and 1000",
    "delete from t where created_at < now() - interval '1 year'",
    "with old as (delete from t where a returning *) insert into archive select * from old",
    "merge into t using u on t.id = u.id when matched then delete",
    "do $$ begin if not exists (select) then alter table t drop column c; end if; end $$",
    "call p(1, 'x')",
    "truncate t, u restart identity",
    "analyze t",
    "explain (analyze) select 1",
    "set search_path = app, public",
    "set local lock_timeout to '500ms'; alter table t add column a text",
    "set session statement_timeout = 0",
    "set constraints all immediate",
    "reset role",
    "savepoint a; insert into t values (1); rollback to savepoint a; release a",
    "lock table t in row exclusive mode",
    "listen jobs",
    "prepare p as select 1",
    "-- pgsluice: no-transaction\nvacuum (verbose, analyze) t",
    "-- pgsluice: no-transaction\nvacuum t",
    "-- pgsluice: no-transaction\ncreate unique index concurrently if not exists i on only t using "
    "gin (a gin_trgm_ops) where a is not null",
    "-- pgsluice: no-transaction\ndrop index concurrently if exists app.i",
    "-- pgsluice: no-transaction\nreindex index concurrently i; reindex (tablespace a) table "
    "concurrently t",
    "-- pgsluice: no-transaction\nbegin; alter table t add column a text; commit; begin; update t "
    "set a = 'x'; commit",
    "-- pgsluice: no-transaction\ncreate database reports template template0",
    "-- pgsluice: no-transaction\nalter table t detach partition t_1 concurrently; alter table t "
    "detach partition t_1 finalize",
    "-- pgsluice: no-transaction\nalter table t validate constraint a; alter table t validate "
    "constraint b",
    "-- pgsluice: no-transaction\nstart transaction isolation level serializable; insert into t "
    "values (1); end",
    "-- pgsluice: placeholder app\nalter table ${app}.t add column a text default :'app'",
    "-- pgsluice: placeholder app\ncreate table ${app}_log (id bigint); create index on ${app}_log "
    "(id)",
    "-- pgsluice: placeholder app\ncreate table :\"app\" (id bigint); drop table :\"app\"",
    "-- pgsluice: allow ban-drop-column, changing-column-type because release 12 is everywhere\n"
    "alter table t drop column a, alter column b type text",
    "insert into t values (1);\n-- pgsluice: allow ban-drop-table because it is empty\ndrop table "
    "u",
    "drop table u; -- pgsluice: allow ban-drop-table because it is empty",
    "alter table t\n  -- pgsluice: allow ban-drop-column because nobody reads it\n  drop column a",
    "\xef\xbb\xbf-- a byte-order mark\nselect 1",
    "create table größe (länge bigint); create index on größe (länge)",
    "select U&'d!0061t!+000061' uescape '!', B'101', X'ff', N'x', $1$2$",
    "create table U&\"d\\0061ta\" (a bigint); drop table U&\"d\\0061ta\"",
};

namespace {

/// Tables that are made with what belongs to them: each type with each constraint.
std::vector<std::string> made_tables() {
  const char* const types[] = {
      "bigint",  "text",     "uuid",      "timestamptz", "numeric(12, 2)",
      "boolean", "jsonb",    "date",      "bytea",       "double precision",
      "inet",    "interval", "int8range", "text[]",      "app.state"};
  const char* const constraints[] = {
      "",
      "not null",
      "primary key",
      "unique",
      "not null default null",
      "check (c is not null)",
      "constraint c_ref references u (c) on delete cascade",
      "constraint c_check check (c is distinct from null) no inherit",
      "default null unique deferrable initially deferred",
      "not null constraint c_key unique using index tablespace fast"};
  std::vector<std::string> files;
  for (const std::string type : types) {
    for (const std::string constraint : constraints) {
      files.push_back(
          "create table app.t (c " + type + " " + constraint +
          ", d text);\ncreate index t_d on app.t (d);\ncreate unique index on app.t (c) "
          "where d <> 'x';\nalter table app.t alter column d set not null, add column e " +
          type +
          ", add constraint e_check check (e is null);\ncomment on column app.t.c "
          "is 'of type " +
          type + "; drop me';\ninsert into app.t select;\n");
    }
  }
  return files;
}

TEST(LintHarmless, NothingIsFoundInThem) {
  std::size_t files = 0;
  const auto expect_nothing = [&files](const std::string& sql) {
    ++files;
    for (const Disguise disguise : all_disguises)
      EXPECT_EQ("", found_in(disguised(sql, disguise))) << disguised(sql, disguise);
  };
  for (const char* const sql : harmless_files) expect_nothing(sql);
  for (const std::string& sql : made_tables()) expect_nothing(sql);
  EXPECT_GE(files, 300U);
}

TEST(LintHarmless, NothingIsFoundForAnyVersion) {
  for (int version = oldest_version; version <= newest_version; ++version)
    for (const char* const sql : harmless_files)
      EXPECT_EQ("", found_in(sql, {.server_version = version})) << version << ": " << sql;
}

}  // namespace
}  // namespace sluice::lint
