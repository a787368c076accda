-- Whether the end of a run is still to be told (on_failure and the like): a scheduler that is killed between the end and the
-- telling leaves it to another one.

alter table pgsluice.job_runs
  add column hooks_due     boolean not null default false,
  add column hooks_runner  text,
  add column hooks_message text not null default '';

-- What is to be told is little among much, and is looked for all the time.
create index job_runs_hooks_due on pgsluice.job_runs (project, job) where hooks_due;

comment on column pgsluice.job_runs.heartbeat_at is 'When its scheduler last said that it runs, or that its end is being told. A row without a recent one is lost, or told by another scheduler.';
comment on column pgsluice.job_runs.hooks_due is 'True until its end was told, where the job has hooks (on_failure, on_success, on_recovery).';
comment on column pgsluice.job_runs.hooks_runner is 'The scheduler that tells it.';
comment on column pgsluice.job_runs.hooks_message is 'Which hooks could not be told, and why; empty: none.';
