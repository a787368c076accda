-- About a load that is not entered nobody may write: one statement could wait between its rows until the load is, and the
-- foreign key is asked behind all of them. A row's rights are looked up when it is written, not when its statement began.
create or replace function pgsluice.may_write_of(load_id bigint) returns boolean
language sql volatile set search_path = pg_catalog, pg_temp as $$
  select coalesce((
    select case when l.ledger_oid = 'pgsluice.loads'::regclass::oid and has_any_column_privilege(l.target_oid, 'insert') then true
                else pgsluice.may_change_table(l.target_oid, l.target, pgsluice.is_of_here(l.ledger_oid, l.origin)) end
    from pgsluice.loads l where l.load_id = $1), false)
$$;

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

comment on function pgsluice.may_write_of(bigint) is 'Whether the current user may write about a load, which is entered.';
