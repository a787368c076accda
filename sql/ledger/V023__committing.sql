-- Loads whose transactions are prepared and committed together: that they are to be is decided by one row.

alter table pgsluice.loads
  add column committing text;
comment on column pgsluice.loads.committing is 'Its run and attempt whose prepared transactions are to be committed, by whoever finds them: written before the first of them is. All others of the load are to be rolled back.';
