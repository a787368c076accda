-- Migrations that are taken back, versions of several numbers, and histories that another tool began.

alter table pgsluice.migrations
  add column version_rest text not null default '',
  add column adopted_from text,
  drop constraint migrations_state,
  add constraint migrations_state check (state in ('applied', 'baseline', 'running', 'failed', 'reverting'));

drop index if exists pgsluice.migrations_version;
create unique index migrations_version on pgsluice.migrations (project, version, version_rest) where version is not null;

-- A migration that was taken back is none that was applied: its row comes here, in the transaction of its way back.
create table pgsluice.reverted (
  reverted_id  bigint generated always as identity primary key,
  project      text        not null,
  version      bigint      not null,
  version_rest text        not null,
  file         text        not null,
  checksum     text,
  applied_by   text        not null,
  applied_at   timestamptz,
  reverted_by  text        not null default session_user,
  reverted_at  timestamptz not null default clock_timestamp(),
  runner       text        not null
);

comment on column pgsluice.migrations.version_rest is 'Of a version of several numbers what stands behind the first one: .2 of 1.2.';
comment on column pgsluice.migrations.adopted_from is 'The tool whose history this was taken from (migrate adopt); finished_at is what that one says.';
comment on column pgsluice.migrations.state is 'applied; baseline: this version and all before it were there already; running or failed: a file without transaction, statement by statement; reverting: its way back without transaction was begun.';
comment on table  pgsluice.reverted is 'Migrations that migrate down has taken back.';
comment on column pgsluice.reverted.applied_at is 'When it was applied; applied_by: by whom.';
comment on column pgsluice.reverted.runner is 'Host and process of whoever has taken it back.';
