-- Records that a condition of the user's leaves out (--where).

alter table pgsluice.chunks
  add column rows_filtered bigint not null default 0,
  drop constraint if exists chunks_add_up,
  add constraint chunks_add_up check
    (records_read = rows_stored + rows_updated + rows_unchanged + rows_rejected + rows_skipped + rows_filtered);

alter table pgsluice.loads
  add column rows_filtered bigint not null default 0;

comment on column pgsluice.chunks.rows_filtered is 'Records for which the condition of the load (--where) is not true.';
comment on column pgsluice.loads.records_read is 'Records of all chunks, when finished: stored, updated, unchanged, rejected, skipped and filtered ones.';
comment on column pgsluice.loads.rows_filtered is 'Records for which the condition of the load (--where) is not true.';
