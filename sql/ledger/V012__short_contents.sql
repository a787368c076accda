-- A short content has another digest when it has grown, as the digest is of all of it. A file is found by its path then; a
-- stream has none: it is found by the digests of its own beginnings, of the lengths that short contents have.

alter table pgsluice.loads add column head_bytes bigint;

create index loads_short_idx on pgsluice.loads (target_oid, head_bytes) where state <> 'void' and head_bytes < 65536;

comment on column pgsluice.loads.head_bytes is 'Of how many bytes head is the digest: fewer than 65536 where these are all. NULL: of a version that did not say.';
