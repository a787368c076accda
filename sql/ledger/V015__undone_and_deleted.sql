-- Rows that a load takes away when it publishes (--replace, --delete-missing), and loads that are taken out again
-- (loads undo).

alter table pgsluice.loads
  add column rows_deleted bigint not null default 0,
  add column rows_undone  bigint not null default 0,
  drop constraint if exists loads_state_check,
  add constraint loads_state_check check (state in ('unfinished', 'finished', 'undoing', 'void'));

-- A load is asked whether a later one may have deleted rows of it.
create index loads_deleted_oid_idx on pgsluice.loads (target_oid, load_id) where rows_deleted > 0 and state <> 'void';
create index loads_deleted_idx on pgsluice.loads (target, load_id) where rows_deleted > 0 and state <> 'void';

comment on column pgsluice.loads.state is 'unfinished: can be resumed; finished: all of it is stored; undoing: its rows are being taken out, and some may be gone; void: started again, or its rows are gone.';
comment on column pgsluice.loads.rows_deleted is 'Rows of the table that its publication deleted (--replace, --delete-missing).';
comment on column pgsluice.loads.rows_undone is 'Rows of it that were taken out again (pgsluice loads undo).';
