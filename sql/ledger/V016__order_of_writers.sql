-- A load that was begun first may end last: what it writes then is newer than what others have written in between, whatever
-- its number is.

alter table pgsluice.loads
  add column last_write bigint;

-- Each index costs every load its time, so these two are for all that is asked by table.
create index loads_order_oid_idx on pgsluice.loads (target_oid, (coalesce(last_write, load_id)));
create index loads_order_idx on pgsluice.loads (target, (coalesce(last_write, load_id)));
drop index if exists pgsluice.loads_target_oid_idx;
drop index if exists pgsluice.loads_updates_oid_idx;
drop index if exists pgsluice.loads_updates_idx;
drop index if exists pgsluice.loads_deleted_oid_idx;
drop index if exists pgsluice.loads_deleted_idx;

comment on column pgsluice.loads.last_write is 'Drawn with the numbers of loads when it wrote last, if others into its table had begun by then; NULL: its own number.';
