#pragma once

namespace sluice::test {

/// SQL that makes a thing of each kind that a database may have, most of them in a schema app.
inline constexpr const char* one_of_each_kind = R"(
create schema app;
create type app.state as enum ('new', 'done');
create type app.pair as (a int, b text);
create domain app.pos as int default 3 not null constraint above check (value > 0);
create type app.span as range (subtype = float8);
create table app.t (id bigint generated always as identity primary key, a text not null default 'x',
  s app.state, p app.pos, constraint t_id check (id > 0));
create table app.p (id int, n int) partition by range (id);
create table app.p1 partition of app.p for values from (1) to (10);
create index on app.p (n);
create index t_a on app.t (a);
create view app.v as select id, a from app.t;
create materialized view app.m as select count(*) n from app.t;
create function app.f() returns trigger language plpgsql as $$
begin
  return new;
end $$;
create function app.g(x int, y text default 'z') returns int language sql as $$ select 1 $$;
create procedure app.pr() language sql as $$ select 1 $$;
create aggregate app.agg(int) (sfunc = int4pl, stype = int, initcond = '0');
create trigger tr before update on app.t for each row execute function app.f();
create rule ru as on delete to app.p1 do instead nothing;
alter table app.t enable row level security;
create policy po on app.t for select using (a = current_user);
create statistics app.st on a, s from app.t;
comment on column app.t.a is 'what it is called';
grant select on app.t to pg_monitor;
create sequence app.sq start 7;
create operator app.=== (leftarg = int, rightarg = int, function = int4eq);
alter default privileges in schema app grant select on tables to pg_monitor;
)";

}  // namespace sluice::test
