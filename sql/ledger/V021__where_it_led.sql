-- A migration can itself change where the next one lies: it makes the schema that stands first in the search_path, or sets that
-- for a role or a database.

alter table pgsluice.migrations add column led_to text;

comment on column pgsluice.migrations.led_to is 'The schemas in which names are looked for behind it, in a session of the same role that begins then; NULL: those of search_path.';
