-- pgsluice: no-transaction
create index concurrently i on m (a);
create index concurrently j on m (a);
