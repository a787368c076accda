-- What was migrated: the engine's own table, which is there before the first migration runs. pgsluice's own schema is
-- one project in it.

create table pgsluice.migrations (
  migration_id    bigint generated always as identity primary key,
  project         text        not null,
  version         bigint,
  file            text        not null,
  checksum        text,
  state           text        not null,
  statements_done integer     not null default 0,
  statement_begun boolean     not null default false,
  done_checksum   text,
  error           text,
  applied_by      text        not null default session_user,
  runner          text        not null,
  started_at      timestamptz not null default transaction_timestamp(),
  finished_at     timestamptz,
  constraint migrations_state check (state in ('applied', 'baseline', 'running', 'failed'))
);

-- A version runs once, and so does the transaction of its file: the second one to store it fails here.
create unique index migrations_version on pgsluice.migrations (project, version) where version is not null;
create unique index migrations_repeatable on pgsluice.migrations (project, file) where version is null;

comment on table pgsluice.migrations is 'The SQL migrations that were applied. The row of a file commits in the transaction of the file.';
comment on column pgsluice.migrations.migration_id is 'In the order in which they were begun.';
comment on column pgsluice.migrations.project is 'Whose migrations: several folders can share a database (--project). pgsluice is the schema of these tables itself.';
comment on column pgsluice.migrations.version is 'NULL for a repeatable one, whose row is that of its last run.';
comment on column pgsluice.migrations.file is 'The name of the file, without its folder.';
comment on column pgsluice.migrations.checksum is 'SHA-256 of the content, in hexadecimal, without byte-order mark and with CRLF read as LF; NULL for a baseline, and where a person has accepted that the file is gone.';
comment on column pgsluice.migrations.state is 'applied; baseline: this version and all before it were there already; running or failed: a file without transaction, statement by statement.';
comment on column pgsluice.migrations.statements_done is 'Of a file without transaction: the next run goes on behind them.';
comment on column pgsluice.migrations.statement_begun is 'True while the next statement runs; where its runner died then, it may have been done.';
comment on column pgsluice.migrations.done_checksum is 'SHA-256 of the statements that are done: the file may be mended behind them only.';
comment on column pgsluice.migrations.error is 'What the failed statement said.';
comment on column pgsluice.migrations.runner is 'Host and process.';
