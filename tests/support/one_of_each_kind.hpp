#pragma once

namespace sluice::test {

/// SQL that makes a thing of each kind that a database may have, most of them in a schema shop.
inline constexpr const char* one_of_each_kind = R"(
create schema shop;
create type shop.state as enum ('new', 'done');
create type shop.pair as (a int, b text);
create domain shop.pos as int default 3 not null constraint above check (value > 0);
create type shop.span as range (subtype = float8);
create table shop.t (id bigint generated always as identity primary key, a text not null default 'x',
  s shop.state, p shop.pos, constraint t_id check (id > 0));
create table shop.p (id int, n int) partition by range (id);
create table shop.p1 partition of shop.p for values from (1) to (10);
create index on shop.p (n);
create index t_a on shop.t (a);
create view shop.v as select id, a from shop.t;
create materialized view shop.m as select count(*) n from shop.t;
create function shop.f() returns trigger language plpgsql as $$
begin
  return new;
end $$;
create function shop.g(x int, y text default 'z') returns int language sql as $$ select 1 $$;
create procedure shop.pr() language sql as $$ select 1 $$;
create aggregate shop.agg(int) (sfunc = int4pl, stype = int, initcond = '0');
create trigger tr before update on shop.t for each row execute function shop.f();
create rule ru as on delete to shop.p1 do instead nothing;
alter table shop.t enable row level security;
create policy po on shop.t for select using (a = current_user);
create statistics shop.st on a, s from shop.t;
comment on column shop.t.a is 'what it is called';
grant select on shop.t to pg_monitor;
create sequence shop.sq start 7;
create operator shop.=== (leftarg = int, rightarg = int, function = int4eq);
alter default privileges in schema shop grant select on tables to pg_monitor;
)";

}  // namespace sluice::test
