-- pgsluice's ledger: which loads, and which chunks of them, are in this database's tables.
-- A chunk's row commits in the transaction that stores the chunk's rows, so the two cannot disagree.

create table pgsluice.loads (
  load_id          bigint generated always as identity primary key,
  target           text        not null,
  target_oid       oid         not null,
  -- A dump that is restored gives tables new oids, the ledger's among them: where this one is not the ledger's, the
  -- target is found by its name.
  ledger_oid       oid         not null default 'pgsluice.loads'::regclass::oid,
  source           text        not null,
  source_path      text        not null,
  source_bytes     bigint,
  source_stamp     text        not null,
  fingerprint      text        not null,
  options          jsonb       not null,
  chunk_bytes      bigint      not null,
  record_bytes_max bigint      not null,
  state            text        not null default 'unfinished' check (state in ('unfinished', 'finished', 'void')),
  started_at       timestamptz not null default now(),
  finished_at      timestamptz,
  runs             integer     not null default 1,
  seconds          double precision not null default 0,
  records_read     bigint      not null default 0,
  rows_stored      bigint      not null default 0,
  rows_rejected    bigint      not null default 0,
  rows_skipped     bigint      not null default 0
);

-- Each run asks whether its content has been loaded before.
create index loads_fingerprint_idx on pgsluice.loads (fingerprint);
-- ... and whether its file has an unfinished load from before the file changed.
create index loads_unfinished_idx on pgsluice.loads (source_path) where state = 'unfinished';

create table pgsluice.chunks (
  load_id       bigint      not null references pgsluice.loads on delete cascade,
  chunk         bigint      not null,
  byte_offset   bigint      not null,
  byte_count    bigint      not null,
  first_line    bigint      not null,
  first_record  bigint      not null,
  records_read  bigint      not null,
  rows_stored   bigint      not null,
  rows_rejected bigint      not null default 0,
  rows_skipped  bigint      not null default 0,
  digest        bigint      not null,
  stored_at     timestamptz not null default clock_timestamp(),
  -- What makes a load exactly once: a second transaction with the same chunk waits for the first, and then fails.
  constraint chunks_pkey primary key (load_id, chunk),
  constraint chunks_add_up check (records_read = rows_stored + rows_rejected + rows_skipped)
);

comment on table  pgsluice.loads is 'One row a load: one source into one table, across restarts.';
comment on column pgsluice.loads.target is 'Schema and name of the table when the load began.';
comment on column pgsluice.loads.target_oid is 'The table''s pg_class.oid.';
comment on column pgsluice.loads.ledger_oid is 'The oid of pgsluice.loads when the load began: differs after dump and restore.';
comment on column pgsluice.loads.source is 'The source as the user named it.';
comment on column pgsluice.loads.source_path is 'Its absolute path; stdin for a stream.';
comment on column pgsluice.loads.source_bytes is 'Its length; null for a stream.';
comment on column pgsluice.loads.source_stamp is 'Host, device, inode, length and time of change: if equal, a finished load is known without reading the file.';
comment on column pgsluice.loads.fingerprint is 'XXH3 of length, beginning and end of the content: finds loads of the same content.';
comment on column pgsluice.loads.options is 'The options that decide which rows come out; a resume must have the same.';
comment on column pgsluice.loads.chunk_bytes is 'Chunk size of the first run; a resume keeps it, so that its chunks are the same.';
comment on column pgsluice.loads.record_bytes_max is 'Largest record of the first run; kept likewise.';
comment on column pgsluice.loads.state is 'unfinished: can be resumed; finished: all of it is stored; void: started again, or its rows are gone.';
comment on column pgsluice.loads.runs is 'How many times the command ran for this load.';
comment on column pgsluice.loads.seconds is 'How long these runs took together.';
comment on column pgsluice.loads.records_read is 'Records of all chunks, when finished; = rows_stored + rows_rejected + rows_skipped.';
comment on column pgsluice.loads.rows_stored is 'Rows in the table.';
comment on column pgsluice.loads.rows_rejected is 'Records refused.';
comment on column pgsluice.loads.rows_skipped is 'Rows that a trigger of the table dropped.';
comment on table  pgsluice.chunks is 'One row a chunk that is in the table, written in the chunk''s own transaction.';
comment on column pgsluice.chunks.chunk is 'Number of the chunk in its source, from 0.';
comment on column pgsluice.chunks.byte_offset is 'Where the chunk begins in the source, from 0.';
comment on column pgsluice.chunks.byte_count is 'Its length in bytes.';
comment on column pgsluice.chunks.first_line is 'The physical line where it begins, from 1.';
comment on column pgsluice.chunks.first_record is 'The number of its first record behind the header, from 1.';
comment on column pgsluice.chunks.digest is 'XXH3 (64 bits) of its bytes: a changed source is noticed.';
comment on column pgsluice.chunks.stored_at is 'When its transaction wrote this row.';
