-- Where the rejects of a load are, so that a resumed load adds to the same file.

alter table pgsluice.loads add column rejects_path text not null default '';

comment on column pgsluice.loads.rejects_path is 'The CSV that has the rejected records, on the host that ran the load; beside it, with the ending .jsonl, the reasons. Empty where rejects were not allowed.';
comment on column pgsluice.loads.rows_skipped is 'Rows that a trigger of the table dropped, and blank lines that were skipped.';
