-- What can take the rows of a load away beside the ledger: a crash that empties unlogged tables, and a TRUNCATE of a
-- table that has a part of them.

alter table pgsluice.loads
  add column marked    boolean not null default false,
  add column part_gone boolean not null default false;

update pgsluice.loads l set marked = true from pgsluice.unlogged_marks m where m.load_id = l.load_id;

-- A file under another name.
create index loads_file_idx on pgsluice.loads (substring(source_stamp from '^\S+ \S+ ')) where state <> 'void';

comment on column pgsluice.loads.marked is 'True where its table was unlogged, so that a row in unlogged_marks was written: without that row its rows are gone.';
comment on column pgsluice.loads.part_gone is 'True where a load with --truncate emptied a table that may have had a part of its rows: a partition, a child or a view''s table.';
