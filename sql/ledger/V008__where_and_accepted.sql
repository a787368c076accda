-- A row of the history says where its file was applied, and keeps what was applied also where a person has accepted
-- something else since.

alter table pgsluice.migrations
  add column search_path       text,
  add column accepted_at       timestamptz,
  add column accepted_by       text,
  add column accepted_checksum text,
  -- Not valid: rows of before do not know. A pgsluice that knows nothing of projects would take a history that another
  -- project has taken over for an empty one, and run its files again: it can store no row any more.
  add constraint migrations_search_path check (search_path is not null or project = 'pgsluice') not valid;

comment on column pgsluice.migrations.project is 'Whose migrations: several folders can share a database (--project, or project = in pgsluice.toml). pgsluice is the schema of these tables itself.';
comment on column pgsluice.migrations.file is 'The name of the file that was applied, without its folder.';
comment on column pgsluice.migrations.checksum is 'SHA-256 of the content that was applied, in hexadecimal, without byte-order mark and with CRLF read as LF; NULL for a baseline.';
comment on column pgsluice.migrations.search_path is 'The schemas in which its names were looked for and made when it began, as current_schemas(false) has them; NULL: not known, as it was applied by a pgsluice that did not ask.';
comment on column pgsluice.migrations.accepted_at is 'When a person said that the file is right as it was then (migrate repair --accept).';
comment on column pgsluice.migrations.accepted_checksum is 'Its content then; NULL: it was gone.';
