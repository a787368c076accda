-- Jobs that run on a schedule, on any number of hosts. A slot is the instant at which a job is due; who stores its row
-- runs it.

create table pgsluice.jobs (
  job         text        primary key,
  schedule    text        not null,
  since       timestamptz not null default clock_timestamp()
);

create table pgsluice.job_runs (
  job          text        not null references pgsluice.jobs on delete cascade,
  slot         timestamptz not null,
  state        text        not null,
  runner       text        not null,
  attempts     integer     not null default 0,
  claimed_at   timestamptz not null default clock_timestamp(),
  heartbeat_at timestamptz not null default clock_timestamp(),
  finished_at  timestamptz,
  stop_asked   boolean     not null default false,
  exit_code    integer,
  message      text        not null default '',
  primary key (job, slot),
  constraint job_runs_state check (state in ('queued', 'running', 'ran', 'failed', 'skipped', 'missed', 'timed_out',
                                             'interrupted', 'lost'))
);

-- What is under way is few among many, and asked for at each slot.
create index job_runs_under_way on pgsluice.job_runs (job) where state in ('queued', 'running');

comment on table pgsluice.jobs is 'The jobs that a scheduler has seen.';
comment on column pgsluice.jobs.schedule is 'Expression and time zone.';
comment on column pgsluice.jobs.since is 'When this schedule was first seen: no earlier slot counts as missed.';
comment on table pgsluice.job_runs is 'One row for each slot of a job, whatever became of it. Old rows are deleted by the scheduler.';
comment on column pgsluice.job_runs.slot is 'The instant at which the job was due.';
comment on column pgsluice.job_runs.state is 'queued: waits for the run before it; running; ran: ended well; failed; skipped: the run before it had not ended; missed: nobody was there; timed_out; interrupted: its scheduler was stopped, or a later run took its place; lost: its scheduler went silent.';
comment on column pgsluice.job_runs.runner is 'Host and process of the scheduler.';
comment on column pgsluice.job_runs.attempts is 'How often it was started: more than once where it failed and has retries.';
comment on column pgsluice.job_runs.heartbeat_at is 'When its scheduler last said that it runs. A row without a recent one is lost.';
comment on column pgsluice.job_runs.stop_asked is 'True where a later run wants to take its place.';
comment on column pgsluice.job_runs.exit_code is 'Of its last attempt.';
comment on column pgsluice.job_runs.message is 'The end of what it said on stderr, or why it did not run.';
