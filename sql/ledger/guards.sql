-- Who may write what about loads and the indexes that they have dropped (V007, V011). These functions and triggers are made
-- whenever one of them is missing, or is not as it was made: all of this can be run again.

-- Whether the oids of a load are those of this database.
create or replace function pgsluice.is_of_here(ledger_oid oid, origin text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select $1 = 'pgsluice.loads'::regclass::oid and $2 in ('', (select system_identifier from pg_control_system()) || ':' ||
                                                              (select oid from pg_database where datname = current_database()))
$$;

-- Whether the current user may bring rows into the table of a load, or take them away: as it is here, or (where it is
-- gone, or the ledger was restored from a dump) as a table of its name.
create or replace function pgsluice.may_change_table(target_oid oid, target text, is_of_here boolean) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  with recursive above (oid) as (
    select c.oid from pg_class c where $3 and c.oid = $1
    union
    select i.inhparent from above join pg_inherits i on i.inhrelid = above.oid
  )
  select case
    when has_any_column_privilege($1, 'insert') and $3 then true
    when exists (select from above) then (select bool_or(has_table_privilege(oid, 'truncate')) from above)
    else coalesce((select bool_and(has_any_column_privilege(c.oid, 'insert') or has_table_privilege(c.oid, 'truncate'))
                   from pg_class c join pg_namespace n on n.oid = c.relnamespace
                   where n.nspname || '.' || c.relname = $2), true)
  end
$$;

-- About a load that is not entered nobody may write: one statement could wait between its rows until the load is, and the
-- foreign key is asked behind all of them. A row's rights are looked up when it is written, not when its statement began.
create or replace function pgsluice.may_write_of(load_id bigint) returns boolean
language sql volatile set search_path = pg_catalog, pg_temp as $$
  select coalesce((
    select case when l.ledger_oid = 'pgsluice.loads'::regclass::oid and has_any_column_privilege(l.target_oid, 'insert') then true
                else pgsluice.may_change_table(l.target_oid, l.target, pgsluice.is_of_here(l.ledger_oid, l.origin)) end
    from pgsluice.loads l where l.load_id = $1), false)
$$;

-- A load is entered under the true name of a table of this database, and with a number that was drawn for it.
create or replace function pgsluice.may_enter(load pgsluice.loads) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select $1.ledger_oid = 'pgsluice.loads'::regclass::oid
     and $1.origin = (select system_identifier from pg_control_system()) || ':' ||
                     (select oid from pg_database where datname = current_database())
     and $1.load_id = currval('pgsluice.loads_load_id_seq') and has_any_column_privilege($1.target_oid, 'insert')
     and exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                 where c.oid = $1.target_oid and n.nspname || '.' || c.relname = $1.target)
$$;

create or replace function pgsluice.may_change(was pgsluice.loads, is_now pgsluice.loads) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
    when $1.load_id <> $2.load_id then false
    -- A part of what is above a table that is emptied is gone; whoever says so keeps a file from being loaded, and no more.
    when to_jsonb($1) - 'part_gone'::text = to_jsonb($2) - 'part_gone'::text then
      $2.part_gone or pgsluice.may_write_of($1.load_id)
    when ($1.target, $1.target_oid, $1.ledger_oid, $1.origin) = ($2.target, $2.target_oid, $2.ledger_oid, $2.origin) then
      pgsluice.may_write_of($1.load_id)
    -- Its table has another name now, or another oid behind a dump and restore.
    else exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                 where c.oid = $2.target_oid and n.nspname || '.' || c.relname = $2.target
                   and (c.oid = $1.target_oid and pgsluice.is_of_here($1.ledger_oid, $1.origin)
                        or $1.target = $2.target and not pgsluice.is_of_here($1.ledger_oid, $1.origin)
                           and has_any_column_privilege(c.oid, 'insert')))
         and pgsluice.is_of_here($2.ledger_oid, $2.origin)
         and to_jsonb($1) - '{target, target_oid, ledger_oid, origin}'::text[] =
             to_jsonb($2) - '{target, target_oid, ledger_oid, origin}'::text[]
  end
$$;

do $$
declare
  function_ regprocedure;
begin
  for function_ in select oid from pg_catalog.pg_proc where pronamespace = 'pgsluice'::pg_catalog.regnamespace
                   and prorettype = 'boolean'::pg_catalog.regtype
  loop
    execute pg_catalog.format('grant execute on function %s to public', function_);
  end loop;
end $$;

create or replace function pgsluice.refuse() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  load_  bigint := coalesce(new.load_id, old.load_id);
  table_ text   := (select target from pgsluice.loads where load_id = load_);
begin
  if tg_table_name = 'loads' and tg_op = 'INSERT' then
    table_ := new.target;
  elsif table_ is null then
    raise foreign_key_violation using
      message = format('load %s is not in pgsluice.loads', load_), schema = 'pgsluice', table = tg_table_name;
  end if;
  raise insufficient_privilege using
    message = format('load %s is not for user %I to write about: grant insert on %s to %I;', load_, current_user, table_,
                     current_user),
    schema = 'pgsluice', table = tg_table_name;
end $$;

drop trigger if exists whose_insert on pgsluice.loads;
create trigger whose_insert before insert on pgsluice.loads for each row
  when (not has_table_privilege('pgsluice.loads'::regclass, 'truncate') and not coalesce(pgsluice.may_enter(new), false))
  execute function pgsluice.refuse();
drop trigger if exists whose_update on pgsluice.loads;
create trigger whose_update before update on pgsluice.loads for each row
  when (not has_table_privilege('pgsluice.loads'::regclass, 'truncate')
        -- Nearly always, and several times cheaper than the function.
        and not coalesce((old.load_id, old.target, old.target_oid, old.ledger_oid, old.origin) =
                           (new.load_id, new.target, new.target_oid, new.ledger_oid, new.origin)
                         and old.ledger_oid = 'pgsluice.loads'::regclass::oid
                         and has_any_column_privilege(old.target_oid, 'insert'), false)
        and not coalesce(pgsluice.may_change(old, new), false))
  execute function pgsluice.refuse();
-- What is void keeps no file from being loaded.
drop trigger if exists whose_delete on pgsluice.loads;
create trigger whose_delete before delete on pgsluice.loads for each row
  when (not has_table_privilege('pgsluice.loads'::regclass, 'truncate') and old.state <> 'void'
        and not coalesce(pgsluice.may_write_of(old.load_id), false))
  execute function pgsluice.refuse();

drop trigger if exists whose_insert on pgsluice.chunks;
create trigger whose_insert before insert on pgsluice.chunks for each row
  when (not has_table_privilege('pgsluice.loads'::regclass, 'truncate') and not coalesce(pgsluice.may_write_of(new.load_id), false))
  execute function pgsluice.refuse();
drop trigger if exists whose_update on pgsluice.chunks;
create trigger whose_update before update on pgsluice.chunks for each row
  when (not has_table_privilege('pgsluice.loads'::regclass, 'truncate')
        and not coalesce(new.load_id = old.load_id and pgsluice.may_write_of(old.load_id), false))
  execute function pgsluice.refuse();
drop trigger if exists whose_delete on pgsluice.chunks;
create trigger whose_delete before delete on pgsluice.chunks for each row
  when (not has_table_privilege('pgsluice.loads'::regclass, 'truncate') and not coalesce(pgsluice.may_write_of(old.load_id), false))
  execute function pgsluice.refuse();

drop trigger if exists whose_insert on pgsluice.rejects;
create trigger whose_insert before insert on pgsluice.rejects for each row
  when (not has_table_privilege('pgsluice.loads'::regclass, 'truncate') and not coalesce(pgsluice.may_write_of(new.load_id), false))
  execute function pgsluice.refuse();
drop trigger if exists whose_update on pgsluice.rejects;
create trigger whose_update before update on pgsluice.rejects for each row
  when (not has_table_privilege('pgsluice.loads'::regclass, 'truncate')
        and not coalesce(new.load_id = old.load_id and pgsluice.may_write_of(old.load_id), false))
  execute function pgsluice.refuse();
drop trigger if exists whose_delete on pgsluice.rejects;
create trigger whose_delete before delete on pgsluice.rejects for each row
  when (not has_table_privilege('pgsluice.loads'::regclass, 'truncate') and not coalesce(pgsluice.may_write_of(old.load_id), false))
  execute function pgsluice.refuse();

drop trigger if exists whose_insert on pgsluice.segments;
create trigger whose_insert before insert on pgsluice.segments for each row
  when (not has_table_privilege('pgsluice.loads'::regclass, 'truncate') and not coalesce(pgsluice.may_write_of(new.load_id), false))
  execute function pgsluice.refuse();
drop trigger if exists whose_update on pgsluice.segments;
create trigger whose_update before update on pgsluice.segments for each row
  when (not has_table_privilege('pgsluice.loads'::regclass, 'truncate')
        and not coalesce(new.load_id = old.load_id and pgsluice.may_write_of(old.load_id), false))
  execute function pgsluice.refuse();
drop trigger if exists whose_delete on pgsluice.segments;
create trigger whose_delete before delete on pgsluice.segments for each row
  when (not has_table_privilege('pgsluice.loads'::regclass, 'truncate') and not coalesce(pgsluice.may_write_of(old.load_id), false))
  execute function pgsluice.refuse();

drop trigger if exists whose_insert on pgsluice.unlogged_marks;
create trigger whose_insert before insert on pgsluice.unlogged_marks for each row
  when (not has_table_privilege('pgsluice.loads'::regclass, 'truncate') and not coalesce(pgsluice.may_write_of(new.load_id), false))
  execute function pgsluice.refuse();
drop trigger if exists whose_update on pgsluice.unlogged_marks;
create trigger whose_update before update on pgsluice.unlogged_marks for each row
  when (not has_table_privilege('pgsluice.loads'::regclass, 'truncate')
        and not coalesce(new.load_id = old.load_id and pgsluice.may_write_of(old.load_id), false))
  execute function pgsluice.refuse();
drop trigger if exists whose_delete on pgsluice.unlogged_marks;
create trigger whose_delete before delete on pgsluice.unlogged_marks for each row
  when (not has_table_privilege('pgsluice.loads'::regclass, 'truncate') and not coalesce(pgsluice.may_write_of(old.load_id), false))
  execute function pgsluice.refuse();

-- Everybody who loads may write to the journal of indexes. What he may write is about tables that are his, and under his own name;
-- only then is it of any use to ask, before an index is built, whether who wrote its row owns the table.
create or replace function pgsluice.guard_deferred_indexes() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  is_superuser constant boolean := (select rolsuper from pg_roles where rolname = current_user);
  is_keeper    constant boolean := pg_has_role(current_user, (select relowner from pg_class where oid = tg_relid), 'usage');
begin
  if is_superuser then
    return coalesce(new, old);
  end if;
  if tg_op <> 'DELETE' then
    if not coalesce((select pg_has_role(current_user, relowner, 'usage') from pg_class where oid = new.target_oid), false) then
      raise insufficient_privilege using message = format(
        'only who owns table %s can journal an index of it', coalesce(new.target_oid::regclass::text, '?'));
    end if;
    new.journaled_by := current_user;
  end if;
  if tg_op <> 'INSERT' and not is_keeper
     and not coalesce((select pg_has_role(current_user, relowner, 'usage') from pg_class where oid = old.target_oid), false)
     and not coalesce((select pg_has_role(current_user, oid, 'usage') from pg_roles where rolname = old.journaled_by), false)
  then
    raise insufficient_privilege using message = format(
      'only who owns table %s, or has journaled its index %s, can give that up', old.target_oid::regclass, old.index_name);
  end if;
  return coalesce(new, old);
end $$;

drop trigger if exists guard on pgsluice.deferred_indexes;
create trigger guard before insert or update or delete on pgsluice.deferred_indexes
  for each row execute function pgsluice.guard_deferred_indexes();

comment on function pgsluice.is_of_here(oid, text) is 'Whether the oids of a load are those of this database.';
comment on function pgsluice.may_change_table(oid, text, boolean) is 'Whether the current user may bring rows into the table of a load, or take them away.';
comment on function pgsluice.may_write_of(bigint) is 'Whether the current user may write about a load, which is entered.';
comment on function pgsluice.may_enter(pgsluice.loads) is 'Whether the current user may enter such a load.';
comment on function pgsluice.may_change(pgsluice.loads, pgsluice.loads) is 'Whether the current user may change a load so.';
