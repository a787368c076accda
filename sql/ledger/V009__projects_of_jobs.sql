-- Jobs of one name in two projects are two jobs. Two schedulers of one project whose configurations say different things of
-- a job would share its slots, and each thing would be done half of the time: so a job says what it is.

alter table pgsluice.job_runs
  drop constraint job_runs_job_fkey,
  drop constraint job_runs_pkey,
  add column project text not null default 'default';

alter table pgsluice.jobs
  drop constraint jobs_pkey,
  add column project     text not null default 'default',
  add column meaning     text,
  add column follower    text,
  add column place       text,
  add column followed_at timestamptz,
  add constraint jobs_pkey primary key (project, job);

-- Runs follow their job into the project that takes it over.
alter table pgsluice.job_runs
  add constraint job_runs_pkey primary key (project, job, slot),
  add constraint job_runs_of_project foreign key (project, job) references pgsluice.jobs on update cascade on delete cascade;

drop index pgsluice.job_runs_under_way;
create index job_runs_under_way on pgsluice.job_runs (project, job) where state in ('queued', 'running');

comment on column pgsluice.jobs.project is 'Whose job it is (project = in pgsluice.toml, --project). Jobs of before are default''s until the first project takes them over that has one of their name and schedule.';
comment on column pgsluice.jobs.meaning is 'What it runs, when and where, a digest for each key of the configuration; NULL: of a version that did not ask.';
comment on column pgsluice.jobs.follower is 'The scheduler (host and process) that said so last.';
comment on column pgsluice.jobs.place is 'The host and the file of its configuration.';
comment on column pgsluice.jobs.followed_at is 'When a scheduler that means this last said that it lives: one that means something else leaves the job alone until then.';
comment on column pgsluice.job_runs.project is 'Whose job it is.';
