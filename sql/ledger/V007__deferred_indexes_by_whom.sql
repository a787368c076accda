-- A definition in pgsluice.deferred_indexes is SQL that somebody's pgsluice will run. So a row says who wrote it, only
-- who owns the table can write it, and all but the one CREATE INDEX stands in columns of its own.

alter table pgsluice.deferred_indexes
  add column origin        text    not null default '',
  add column target_schema text,
  add column target_name   text,
  add column name          text,
  add column tablespace    text    not null default '',
  add column statistics    text    not null default '',
  add column is_clustered  boolean not null default false,
  add column description   text,
  add column extensions    text[]  not null default '{}',
  add column wide_columns  text[]  not null default '{}',
  add column wide_bytes    integer not null default 0,
  add column journaled_by  name,
  add constraint deferred_indexes_statistics check (statistics ~ '^([0-9]+:[0-9]+( [0-9]+:[0-9]+)*)?$');

-- Each load with --defer-indexes asks what of its table is missing.
create index deferred_indexes_target on pgsluice.deferred_indexes (target_oid);

-- Rows of older versions: several statements in one text, and nobody knows who wrote it. A plain index calls no function,
-- so it does no harm whoever wrote it: it is taken over as if the table's owner had. Any other row stays as it is, and
-- is not run.
do $$
declare
  row_     record;
  part     text[];
  table_   oid;
  name_    constant text := '(?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")';
  literal_ constant text := '''((?:[^'']|'''')*)''';
  item_    constant text := name_ || '(?: COLLATE ' || name_ || '(?:\.' || name_ || ')?)?(?: ' || name_ || '(?:\.' ||
                            name_ || ')?)?(?: DESC)?(?: NULLS (?:FIRST|LAST))?';
  option_  constant text := name_ || '=''[a-z0-9_.]*''';
  pattern_ constant text :=
    '^set local default_tablespace = ' || literal_ || '; (CREATE INDEX (' || name_ || ') ON (' || name_ || ')\.(' ||
    name_ || ') USING ' || name_ || ' \(' || item_ || '(?:, ' || item_ || ')*\)(?: INCLUDE \(' || name_ || '(?:, ' ||
    name_ || ')*\))?(?: WITH \(' || option_ || '(?:, ' || option_ || ')*\))?)(?:; comment on index ' || name_ || '\.' ||
    name_ || ' is (?:NULL|' || literal_ || '))?((?:; alter index ' || name_ || '\.' || name_ ||
    ' alter column [0-9]+ set statistics [0-9]+)*)(; alter table ' || name_ || '(?:\.' || name_ || ')? cluster on ' ||
    name_ || ')?$';
  here     constant text := (select system_identifier from pg_catalog.pg_control_system())::text || ':' ||
                            (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())::text;
begin
  for row_ in
    select d.*, l.ledger_oid = 'pgsluice.loads'::pg_catalog.regclass::oid as is_of_here
    from pgsluice.deferred_indexes d join pgsluice.loads l using (load_id)
  loop
    part := pg_catalog.regexp_match(row_.definition, pattern_);
    for i in 3 .. 5 loop
      if part[i] like '"%' then
        part[i] := pg_catalog.replace(pg_catalog.substr(part[i], 2, pg_catalog.length(part[i]) - 2), '""', '"');
      end if;
    end loop;
    select c.oid into table_ from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where case when row_.is_of_here then c.oid = row_.target_oid
               else n.nspname = part[4] and c.relname = part[5] end;
    update pgsluice.deferred_indexes d
    set origin        = case when row_.is_of_here then here else '' end,
        definition    = coalesce(part[2], d.definition),
        name          = part[3],
        target_schema = coalesce(part[4], (select relnamespace::pg_catalog.regnamespace::text from pg_catalog.pg_class
                                           where oid = table_)),
        target_name   = coalesce(part[5], (select relname from pg_catalog.pg_class where oid = table_)),
        tablespace    = coalesce(pg_catalog.replace(part[1], '''''', ''''), ''),
        description   = pg_catalog.replace(part[6], '''''', ''''),
        statistics    = coalesce((select pg_catalog.string_agg(m[1] || ':' || m[2], ' ') from pg_catalog.regexp_matches(
                          part[7], ' alter column ([0-9]+) set statistics ([0-9]+)', 'g') m), ''),
        is_clustered  = part[8] is not null,
        journaled_by  = case when part is not null then (select pg_catalog.pg_get_userbyid(relowner)
                                                         from pg_catalog.pg_class where oid = table_) end
    where d.load_id = row_.load_id and d.index_name = row_.index_name;
  end loop;
end $$;

alter table pgsluice.deferred_indexes alter column journaled_by set default current_user;

comment on column pgsluice.deferred_indexes.index_name is 'Schema and name when it was dropped, quoted as in SQL.';
comment on column pgsluice.deferred_indexes.target_oid is 'The table''s pg_class.oid, in the database of origin.';
comment on column pgsluice.deferred_indexes.definition is 'CREATE INDEX as pg_get_indexdef() says it with search_path = pg_catalog. Only this one statement is ever run, with the table''s present name.';
comment on column pgsluice.deferred_indexes.origin is 'System identifier and oid of the database whose oids these are; in another one (a restored dump) the table is found by its name.';
comment on column pgsluice.deferred_indexes.target_schema is 'The table''s schema when the index was dropped.';
comment on column pgsluice.deferred_indexes.target_name is 'The table''s name when the index was dropped.';
comment on column pgsluice.deferred_indexes.name is 'The name of the index; NULL in a row of an older version that is not run.';
comment on column pgsluice.deferred_indexes.tablespace is 'Its tablespace; empty: that of the database.';
comment on column pgsluice.deferred_indexes.statistics is 'Statistics targets as column:target.';
comment on column pgsluice.deferred_indexes.is_clustered is 'The table is clustered on it.';
comment on column pgsluice.deferred_indexes.description is 'Its comment.';
comment on column pgsluice.deferred_indexes.extensions is 'Extensions that it depends on (ALTER INDEX ... DEPENDS ON EXTENSION).';
comment on column pgsluice.deferred_indexes.wide_columns is 'Columns of the table whose values can be too long for it.';
comment on column pgsluice.deferred_indexes.wide_bytes is 'How many bytes they may have together so that it certainly takes them.';
comment on column pgsluice.deferred_indexes.journaled_by is 'Who wrote the row: the index is built only if that role owns the table, or is a superuser.';
