-- pgsluice: schedule "15 3 * * *" tz=Europe/Berlin
-- pgsluice: lock-timeout 1s
delete from readings where at < now() - interval '30 days';
