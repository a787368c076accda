-- What a load is: the bytes that were read, the table that they went into, and the options that decide rows. Found by
-- the beginning of its content too (a stream has no length, a file may have grown since), and only in the database in
-- which it was stored.

alter table pgsluice.loads
  add column origin      text    not null default '',
  add column head        text    not null default '',
  add column updates     boolean not null default false,
  add column behind_load bigint;

create index loads_head_idx on pgsluice.loads (head) where state <> 'void';
create index loads_path_idx on pgsluice.loads (source_path) where state <> 'void';
drop index if exists pgsluice.loads_unfinished_idx;
-- A TRUNCATE makes the loads of its table void, and an upsert asks for later ones into its table: both by oid, and by
-- name after a dump and restore.
create index loads_target_oid_idx on pgsluice.loads (target_oid) where state <> 'void';
create index loads_target_idx on pgsluice.loads (target) where state <> 'void';
create index loads_updates_oid_idx on pgsluice.loads (target_oid, load_id) where updates and state <> 'void';
create index loads_updates_idx on pgsluice.loads (target, load_id) where updates and state <> 'void';
-- Staging tables are dropped when their load is not among these.
create index loads_staged_idx on pgsluice.loads (load_id) where staged and state = 'unfinished';

-- Empty after a crash of the server, and on a standby that was promoted, as the tables are to which its rows belong.
create unlogged table pgsluice.unlogged_marks (
  load_id bigint primary key
);

comment on column pgsluice.loads.origin is 'System identifier and database: where they or ledger_oid differ, this ledger was restored from a dump, and the target is found by its name.';
comment on column pgsluice.loads.head is 'XXH3 of the first 64 KiB of the content: finds loads of the same or a shorter content.';
comment on column pgsluice.loads.updates is 'True for --on-conflict update: what an earlier load stored may be replaced by it.';
comment on column pgsluice.loads.behind_load is 'The load whose content this one goes on behind (--grown append).';
comment on column pgsluice.loads.fingerprint is 'XXH3 of length, beginning and end of the content: finds loads of the same content.';
comment on column pgsluice.loads.source_stamp is 'Host, device, inode, length, times of modification and change: if equal, a finished load is known without reading the file.';
comment on table  pgsluice.unlogged_marks is 'One row a load into an unlogged table (or partition). Where it is missing, the server has crashed since, and the rows of the load are gone.';
