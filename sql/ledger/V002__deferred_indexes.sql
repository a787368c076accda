-- Indexes that a load has dropped and has to build again (--defer-indexes). A row is written in the transaction that
-- drops its index, and deleted in the one that builds it again, so that no index is ever forgotten.

create table pgsluice.deferred_indexes (
  load_id     bigint      not null references pgsluice.loads on delete restrict,
  index_name  text        not null,
  target_oid  oid         not null,
  definition  text        not null,
  dropped_at  timestamptz not null default clock_timestamp(),
  primary key (load_id, index_name)
);

comment on table  pgsluice.deferred_indexes is 'One row an index that a load with --defer-indexes has dropped and not built again yet: pgsluice loads restore does so.';
comment on column pgsluice.deferred_indexes.index_name is 'Schema and name, quoted as in SQL.';
comment on column pgsluice.deferred_indexes.target_oid is 'The table''s pg_class.oid.';
comment on column pgsluice.deferred_indexes.definition is 'Statements that build the index as it was: with tablespace, comment, statistics targets and clustering.';
