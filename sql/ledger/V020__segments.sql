-- One source by several commands (--join): which stretches of it somebody has, and what is known of them. And what a load
-- was limited by.

alter table pgsluice.loads
  add column segment_bytes bigint,
  add column limited_by text,
  add column limited_share double precision;
comment on column pgsluice.loads.limited_by is 'What its last run waited for most; NULL: it was too short to say.';
comment on column pgsluice.loads.limited_share is 'For which part of the time, from 0 to 1.';
comment on column pgsluice.loads.segment_bytes is 'Length of the segments that its chunks lie in; NULL: its chunks are numbered from 0 to the end.';

create table pgsluice.segments (
  load_id   bigint  not null references pgsluice.loads on delete cascade,
  segment   integer not null,
  holder    text,
  held_by   text,
  facts     bigint[],
  chunks    bigint,
  bytes     bigint,
  records   bigint,
  stored_at timestamptz,
  constraint segments_pkey primary key (load_id, segment)
);

comment on table  pgsluice.segments is 'Stretches of the source of a load that several commands share; a record belongs to the one that has the line end in front of it.';
comment on column pgsluice.segments.segment is 'Its number in the source, from 0; the chunks in it are numbered from segment << 32 on.';
comment on column pgsluice.segments.holder is 'Whose it is, as his lock is named; empty: of the run that has the load''s lock. NULL: nobody''s.';
comment on column pgsluice.segments.held_by is 'The same for people: host and process.';
comment on column pgsluice.segments.facts is 'Line ends; then for each way in which it may begin: how it ends then, record ends, place behind the first (-1: none), line ends in front of that.';
comment on column pgsluice.segments.chunks is 'How many it has, once it is read; bytes and records likewise.';
comment on column pgsluice.segments.stored_at is 'When all of its chunks were in the table.';
