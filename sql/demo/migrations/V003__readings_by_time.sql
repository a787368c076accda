-- pgsluice: no-transaction
-- Writers are not blocked; an interrupted build is found and begun anew.
create index concurrently readings_at on readings (at);
