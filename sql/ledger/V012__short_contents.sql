-- A short content has another head when it has grown, as the head is of all of it. What it was is found by its start: the
-- digest of most of it, of one of a hundred lengths, so that a longer content can ask for all of its starts at once; and then
-- by its head, which is that of the longer content's first bytes.

alter table pgsluice.loads
  add column head_bytes bigint,
  add column start      text;

-- By the lengths of the few that have a start.
create index loads_start_idx on pgsluice.loads (start, head_bytes) where state <> 'void' and start is not null;

comment on column pgsluice.loads.head_bytes is 'Of how many bytes head is the digest: fewer than 65536 where these are all. NULL: of a version that did not say.';
comment on column pgsluice.loads.start is 'Where head_bytes is less than 65536: XXH3 of the first of them, as many as are head_bytes with all but its four highest binary digits 0.';
