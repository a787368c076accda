-- What no reader can work with is not stored: an instant is a point in time, and a count is not negative.

delete from pgsluice.job_runs where not isfinite(slot);
update pgsluice.job_runs set claimed_at = slot where not isfinite(claimed_at);
update pgsluice.job_runs set heartbeat_at = claimed_at where not isfinite(heartbeat_at);
update pgsluice.job_runs set finished_at = claimed_at where not isfinite(finished_at);
update pgsluice.job_runs set attempts = 0 where attempts < 0;
update pgsluice.jobs set since = clock_timestamp() where not isfinite(since);

alter table pgsluice.jobs
  add constraint jobs_since_is_an_instant check (isfinite(since));
alter table pgsluice.job_runs
  add constraint job_runs_have_instants check (isfinite(slot) and isfinite(claimed_at) and isfinite(heartbeat_at) and
                                               isfinite(coalesce(finished_at, claimed_at))),
  add constraint job_runs_attempts check (attempts >= 0);
-- Not valid: what a wrong one of before means only a person can say.
alter table pgsluice.migrations
  add constraint migrations_version check (coalesce(version, 0) >= 0) not valid,
  add constraint migrations_statements_done check (statements_done >= 0) not valid;
