-- What a host that has no files of its own needs: bad records that any host can give out, and uploads that another host goes
-- on with.

create table pgsluice.rejects (
  load_id bigint not null references pgsluice.loads on delete cascade,
  chunk   bigint not null,
  place   bigint not null,
  record  bytea  not null,
  reason  json,
  constraint rejects_pkey primary key (load_id, chunk, place)
);

alter table pgsluice.chunks
  add column line_count bigint;
comment on column pgsluice.chunks.line_count is 'Physical lines that it ends; NULL: of a version that did not say.';

alter table pgsluice.loads
  add column upload_key text;

-- One load a key: what comes a second time meets the first.
create unique index loads_upload_key_idx on pgsluice.loads (upload_key) where upload_key is not null and state <> 'void';

create table pgsluice.uploads (
  upload_key   text        primary key,
  owner        text        not null,
  target       text        not null,
  arguments    json        not null,
  content      json        not null default '{}',
  beginning    bytea,
  told_offset  bigint      not null default 0,
  answer       json,
  begun_at     timestamptz not null default now(),
  touched_at   timestamptz not null default now()
);
create index uploads_touched_idx on pgsluice.uploads (touched_at);

comment on table  pgsluice.rejects is 'Bad records of loads with --rejects-table, written in the transaction of their chunk.';
comment on column pgsluice.rejects.chunk is 'Of the record; -1: what stands in front of all of them (the header), 9223372036854775807: behind all.';
comment on column pgsluice.rejects.place is 'Number of the record among the bad ones of its chunk, from 0.';
comment on column pgsluice.rejects.record is 'Its bytes, with a line end: all of a load in their order are a CSV to be mended and loaded.';
comment on column pgsluice.rejects.reason is 'Where it stood and why it was refused, as in the .jsonl of --rejects; NULL: no record.';
comment on column pgsluice.loads.upload_key is 'SHA-256 of whose upload it is, and the name that its sender has given it.';
comment on table  pgsluice.uploads is 'Uploads to pgsluice serve that have a name: an Idempotency-Key, or an address to go on at.';
comment on column pgsluice.uploads.owner is 'The name of the token; empty where there are none.';
comment on column pgsluice.uploads.target is 'The table, as the request named it.';
comment on column pgsluice.uploads.arguments is 'The query of the request, which must be the same for what comes again.';
comment on column pgsluice.uploads.content is 'What is known of the content: its length, its digests, the digest of its beginning.';
comment on column pgsluice.uploads.beginning is 'The first bytes, for whoever goes on behind what is stored; NULL: not needed, or not any more.';
comment on column pgsluice.uploads.told_offset is 'How many bytes the sender was told he need not send again.';
comment on column pgsluice.uploads.answer is 'What was answered when it had ended: status, headers, body. NULL: it has not, or can be tried again.';
comment on column pgsluice.uploads.touched_at is 'When it was last asked for: a week later the row goes.';
