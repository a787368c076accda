-- Whether any short content was of about this length: of many files at once, most starts need not be looked for then.

create index loads_lengths_idx on pgsluice.loads (head_bytes) where state <> 'void' and start is not null;
