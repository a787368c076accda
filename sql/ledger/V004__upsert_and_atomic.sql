-- What becomes of records whose key is in the table already (--on-conflict), and loads whose rows wait in a table of
-- their own until all of them are there (--atomic).

alter table pgsluice.chunks
  add column rows_updated   bigint not null default 0,
  add column rows_unchanged bigint not null default 0,
  drop constraint if exists chunks_add_up,
  add constraint chunks_add_up check
    (records_read = rows_stored + rows_updated + rows_unchanged + rows_rejected + rows_skipped);

alter table pgsluice.loads
  add column rows_updated   bigint  not null default 0,
  add column rows_unchanged bigint  not null default 0,
  add column staged         boolean not null default false;

comment on column pgsluice.chunks.rows_stored is 'Rows that are new in the table, or wait in the staging table of a load that is all or nothing.';
comment on column pgsluice.chunks.rows_updated is 'Records that took the place of a row with their key.';
comment on column pgsluice.chunks.rows_unchanged is 'Records that are equal to the row with their key.';
comment on column pgsluice.loads.rows_stored is 'Rows that are new in the table.';
comment on column pgsluice.loads.rows_updated is 'Records that took the place of a row with their key.';
comment on column pgsluice.loads.rows_unchanged is 'Records that are equal to the row with their key.';
comment on column pgsluice.loads.rows_skipped is 'Rows that a trigger of the table dropped, blank lines that were skipped, and records that were left out because of a row or another record with their key.';
comment on column pgsluice.loads.staged is 'True where the rows wait in the table pgsluice.stage_N, N being load_id, until all of them are there (--atomic).';
