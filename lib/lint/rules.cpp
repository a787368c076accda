#include "lint/rules.hpp"

#include <algorithm>

namespace sluice::lint {
namespace {

using enum RuleId;
using enum Level;

constexpr std::string_view rewrite_of_type =
    "alter table t add column c2 bigint;\n"
    "-- fill c2 in small batches, and keep it filled (a trigger), then in a file of its own:\n"
    "alter table t drop column c;\nalter table t rename column c2 to c;";

constexpr Rule all[] = {
    {adding_exclusion_constraint, "adding-exclusion-constraint", error, true, "eugene E8",
     "ADD ... EXCLUDE on a table that is there",
     "reads and writes, until an index over all rows is built",
     "for a table made in the same file; there is no way without the lock in any version",
     "-- in a quiet hour, with a short lock timeout; or enforce it with a trigger"},
    {adding_field_with_default, "adding-field-with-default", error, true,
     "squawk, eugene E10 and E11",
     "ADD COLUMN with a default that is volatile, or of which nobody can tell, or GENERATED ... "
     "STORED",
     "reads and writes, until all rows are written anew",
     "defaults that are not volatile: from 11 on. Generated columns: the virtual ones, from 18 on",
     "alter table t add column c uuid;\n"
     "alter table t alter column c set default gen_random_uuid();\n"
     "-- then fill what is null, in small batches"},
    {adding_foreign_key_constraint, "adding-foreign-key-constraint", error, true, "squawk",
     "a foreign key on a table that is there, without NOT VALID",
     "writes to both tables, until all rows are looked up",
     "with NOT VALID, and VALIDATE CONSTRAINT in a transaction of its own. Of a partitioned table: "
     "from 18 on",
     "alter table t add constraint t_p_fkey foreign key (p) references p (id) not valid;\n"
     "-- in the next file:\nalter table t validate constraint t_p_fkey;"},
    {adding_not_nullable_field, "adding-not-nullable-field", error, true, "squawk, eugene E2",
     "SET NOT NULL of a column for which no CHECK (... is not null) was validated in a file before",
     "reads and writes, until all rows are read",
     "behind a validated CHECK: from 12 on. As a NOT NULL constraint that is NOT VALID first: from "
     "18 on",
     "alter table t add constraint t_c_not_null check (c is not null) not valid;\n"
     "-- in the next file:\nalter table t validate constraint t_c_not_null;\n"
     "alter table t alter column c set not null;\nalter table t drop constraint t_c_not_null;"},
    {adding_required_field, "adding-required-field", error, true, "squawk",
     "ADD COLUMN ... NOT NULL without a default",
     "fails where the table has a row; inserts of programs that do not know the column fail",
     "with a default; for a table made in the same file",
     "alter table t add column c text not null default '';"},
    {adding_serial_field, "adding-serial-field", error, true, "eugene E11",
     "ADD COLUMN that is serial or an identity",
     "reads and writes, until all rows are written anew", "for a table made in the same file",
     "alter table t add column c bigint;\ncreate sequence t_c_seq owned by t.c;\n"
     "alter table t alter column c set default nextval('t_c_seq');\n"
     "-- then fill what is null, in small batches"},
    {adding_serial_primary_key_field, "adding-serial-primary-key-field", error, true, "squawk",
     "a primary key on a table that is there, without USING INDEX",
     "reads and writes, until its index is built", "with an index that was built concurrently",
     "-- in a file with: -- pgsluice: no-transaction\n"
     "create unique index concurrently t_pkey on t (id);\n"
     "-- in the next file:\nalter table t add constraint t_pkey primary key using index t_pkey;"},
    {attaching_partition, "attaching-partition", note, true, "",
     "ATTACH PARTITION of a table that was there before, without a CHECK of its bounds that this "
     "run has seen",
     "reads and writes of the partition, until its rows are read",
     "where a validated CHECK on it implies its bounds",
     "alter table p add constraint p_bounds check (day >= '2026-01-01' and day < '2027-01-01') not "
     "valid;\n-- in the next file:\nalter table p validate constraint p_bounds;\n"
     "-- and then ATTACH PARTITION"},
    {ban_alter_domain_with_add_constraint, "ban-alter-domain-with-add-constraint", error, true,
     "squawk", "ALTER DOMAIN ... ADD without NOT VALID, and ... SET NOT NULL",
     "writes to each table with such a column, until its rows are read",
     "with NOT VALID; VALIDATE CONSTRAINT reads the rows under the same lock",
     "alter domain d add constraint d_check check (value > 0) not valid;"},
    {ban_char_field, "ban-char-field", warning, true, "squawk", "a column of type char(n)",
     "blanks are added, and do not count where values are compared",
     "never; the type \"char\", in quotes, is another one", "create table t (c text);"},
    {ban_concurrent_index_creation_in_transaction, "ban-concurrent-index-creation-in-transaction",
     error, true, "squawk",
     "CONCURRENTLY of an index or a partition, VACUUM and others, inside of a transaction",
     "the server refuses it: the file fails", "in a file with no-transaction",
     "-- pgsluice: no-transaction\ncreate index concurrently i on t (c);"},
    {ban_create_domain_with_constraint, "ban-create-domain-with-constraint", warning, true,
     "squawk", "CREATE DOMAIN with a CHECK or NOT NULL",
     "a later change of it reads all tables that use it, and blocks writes to them",
     "never; a CHECK of a table can be changed with NOT VALID",
     "create table t (c text constraint t_c_check check (c <> ''));"},
    {ban_drop_column, "ban-drop-column", error, true, "squawk", "DROP COLUMN",
     "programs that name the column fail; its values are gone", "for a table made in the same file",
     "-- first a release that does not name the column; then allow it:\n"
     "-- pgsluice: allow ban-drop-column because release 12 does not read it\n"
     "alter table t drop column c;"},
    {ban_drop_database, "ban-drop-database", error, true, "squawk", "DROP DATABASE",
     "everything in it is gone", "never", "-- not in a migration"},
    {ban_drop_not_null, "ban-drop-not-null", error, true, "squawk", "DROP NOT NULL",
     "programs that expect a value find none", "for a table made in the same file",
     "-- first a release that copes with NULL; then allow it"},
    {ban_drop_schema, "ban-drop-schema", error, true, "squawk", "DROP SCHEMA",
     "everything in it is gone (CASCADE), and programs that name it fail",
     "for a schema made in the same file", "-- drop its objects by name, one release later"},
    {ban_drop_table, "ban-drop-table", error, true, "squawk", "DROP TABLE",
     "programs that name the table fail; its rows are gone",
     "for a table made in the same file, or a temporary one",
     "-- first a release that does not name the table; then allow it:\n"
     "-- pgsluice: allow ban-drop-table because release 12 does not read it\ndrop table t;"},
    {ban_truncate_cascade, "ban-truncate-cascade", error, true, "squawk", "TRUNCATE ... CASCADE",
     "rows of tables that nobody has named are gone", "never",
     "truncate t, child_of_t;  -- each table by name"},
    {ban_uncommitted_transaction, "ban-uncommitted-transaction", error, true, "squawk",
     "a BEGIN without its COMMIT", "what stands behind it is never committed", "never",
     "begin;\ninsert into t values (1);\ncommit;"},
    {changing_column_type, "changing-column-type", error, true, "squawk, eugene E5",
     "ALTER COLUMN ... TYPE, and ALTER ATTRIBUTE ... CASCADE of a type",
     "reads and writes, until all rows and indexes are written anew; programs that run get another "
     "type",
     "where the server need not write: a longer varchar, varchar to text; and timestamp to "
     "timestamptz where the time zone is UTC: from 12 on",
     rewrite_of_type},
    {constraint_missing_not_valid, "constraint-missing-not-valid", error, true, "squawk, eugene E1",
     "ADD ... CHECK, or a NOT NULL constraint, on a table that is there, without NOT VALID",
     "reads and writes, until all rows are read",
     "with NOT VALID, and VALIDATE CONSTRAINT in a transaction of its own",
     "alter table t add constraint t_c_check check (c > 0) not valid;\n"
     "-- in the next file:\nalter table t validate constraint t_c_check;"},
    {deleting_all_rows, "deleting-all-rows", warning, true, "",
     "DELETE without WHERE from a table that is there",
     "all its rows are gone, and it may be that a WHERE was forgotten",
     "for a table made in the same file", "delete from t where true;  -- or truncate t"},
    {disallowed_unique_constraint, "disallowed-unique-constraint", error, true, "squawk, eugene E7",
     "a UNIQUE constraint on a table that is there, without USING INDEX",
     "reads and writes, until its index is built", "with an index that was built concurrently",
     "-- in a file with: -- pgsluice: no-transaction\n"
     "create unique index concurrently t_c_key on t (c);\n"
     "-- in the next file:\nalter table t add constraint t_c_key unique using index t_c_key;"},
    {dropping_dependents, "dropping-dependents", error, true, "",
     "DROP TYPE, DOMAIN, EXTENSION, FUNCTION, SEQUENCE and the like with CASCADE, DROP OWNED",
     "columns with their values, views and indexes are gone that nobody has named",
     "for DROP VIEW, TRIGGER and what holds no rows",
     "drop type t;  -- what refers to it by name, in a file before"},
    {identifier_too_long, "identifier-too-long", warning, true, "squawk",
     "a name of more than 63 bytes", "the server cuts it, and two names may become one", "never",
     "-- a shorter name"},
    {prefer_bigint_over_int, "prefer-bigint-over-int", warning, true, "squawk",
     "a column of 32 bits; a note where it is neither a key nor named like one",
     "inserts fail at 2,147,483,647, and the change to bigint writes all rows anew", "never",
     "create table t (id bigint generated always as identity primary key);"},
    {prefer_bigint_over_smallint, "prefer-bigint-over-smallint", warning, true, "squawk",
     "a column of 16 bits; a note where it is neither a key nor named like one",
     "inserts fail at 32,767, and the change to another type writes all rows anew", "never",
     "create table t (id bigint generated always as identity primary key);"},
    {prefer_identity, "prefer-identity", warning, true, "squawk", "a serial column",
     "its sequence has privileges, an owner and a value of its own, which are forgotten easily",
     "never", "create table t (id bigint generated always as identity primary key);"},
    {prefer_jsonb, "prefer-jsonb", warning, true, "eugene E3", "a column of type json",
     "it has no equality: SELECT DISTINCT, UNION and GROUP BY of programs fail", "never",
     "alter table t add column c jsonb;"},
    {prefer_repack, "prefer-repack", error, true, "squawk", "VACUUM FULL, CLUSTER",
     "reads and writes, until all rows are written anew",
     "never; VACUUM without FULL blocks nobody", "-- outside of migrations: pg_repack --table t"},
    {prefer_robust_stmts, "prefer-robust-stmts", warning, true, "squawk",
     "a statement of a file without a transaction that cannot run twice",
     "where a run ends in the middle, the next one may fail there",
     "in a file that is one transaction; CREATE INDEX CONCURRENTLY with a name, which pgsluice "
     "builds anew by itself",
     "-- pgsluice: no-transaction\nalter table t add column if not exists c text;"},
    {prefer_table_over_enum, "prefer-table-over-enum", note, false, "eugene W13",
     "CREATE TYPE ... AS ENUM", "a value can be added, but never be taken away", "never",
     "create table states (state text primary key);"},
    {prefer_text_field, "prefer-text-field", warning, true, "squawk", "a column of type varchar(n)",
     "a longer value fails, and a shorter limit reads all rows under a lock",
     "a longer limit is free of cost in all versions",
     "create table t (c text constraint t_c_length check (length(c) <= 200));"},
    {prefer_timestamptz, "prefer-timestamptz", warning, true, "squawk",
     "a column of type timestamp without a time zone", "nobody knows which moment it means",
     "never", "create table t (at timestamptz);"},
    {primary_key_using_index, "primary-key-using-index", note, true, "eugene W14",
     "ADD PRIMARY KEY USING INDEX on a table that is there",
     "reads and writes, until all rows are read, where a column may be null",
     "where its columns are NOT NULL before",
     "-- first, as adding-not-nullable-field shows: set not null"},
    {renaming_column, "renaming-column", error, true, "squawk", "RENAME COLUMN, also of a view",
     "programs that use the old name fail", "for a table made in the same file",
     "alter table t add column new_name text;\n"
     "-- write both, fill the new one, read it, and then drop the old one"},
    {renaming_table, "renaming-table", error, true, "squawk",
     "RENAME TO, SET SCHEMA; RENAME TO of a schema", "programs that use the old name fail",
     "for a table made in the same file",
     "alter table t rename to new_name;\ncreate view t as select * from new_name;  -- in the same "
     "file"},
    {require_concurrent_index_creation, "require-concurrent-index-creation", error, true,
     "squawk, eugene E6", "CREATE INDEX on a table that is there, without CONCURRENTLY",
     "writes, until it is built", "for a table made in the same file",
     "-- in a file with: -- pgsluice: no-transaction\ncreate index concurrently i on t (c);"},
    {require_concurrent_index_deletion, "require-concurrent-index-deletion", error, true, "squawk",
     "DROP INDEX without CONCURRENTLY",
     "reads and writes, while it waits for what runs, and behind it all others",
     "for an index made in the same file",
     "-- in a file with: -- pgsluice: no-transaction\ndrop index concurrently if exists i;"},
    {require_concurrent_partition_detach, "require-concurrent-partition-detach", error, true,
     "squawk", "DETACH PARTITION without CONCURRENTLY",
     "reads and writes of the whole partitioned table",
     "CONCURRENTLY is there from 14 on; before it there is no safer way, and nothing is found",
     "-- in a file with: -- pgsluice: no-transaction\n"
     "alter table t detach partition t_2025 concurrently;"},
    {require_concurrent_refresh, "require-concurrent-refresh", error, true, "",
     "REFRESH MATERIALIZED VIEW without CONCURRENTLY", "reads of the view, until it is made anew",
     "for a view made in the same file; WITH NO DATA. CONCURRENTLY wants a unique index",
     "refresh materialized view concurrently v;"},
    {require_concurrent_reindex, "require-concurrent-reindex", error, true, "squawk",
     "REINDEX without CONCURRENTLY",
     "writes, and reads that would use the index, until it is built", "CONCURRENTLY: from 12 on",
     "-- in a file with: -- pgsluice: no-transaction\nreindex index concurrently i;"},
    {require_enum_value_ordering, "require-enum-value-ordering", note, true, "squawk",
     "ALTER TYPE ... ADD VALUE without BEFORE or AFTER",
     "the value is the greatest one, whatever it means", "where nobody compares values",
     "alter type state add value 'paused' before 'done';"},
    {require_table_schema, "require-table-schema", warning, false, "squawk",
     "a table named without its schema", "which table it is depends on the search_path",
     "where migrations go by the search_path, as those of tenants do",
     "alter table public.t add column c text;"},
    {require_timeout_settings, "require-timeout-settings", error, true, "squawk, eugene E9",
     "a lock that blocks others, in a file without a lock timeout",
     "all who come behind it, for as long as it waits itself",
     "pgsluice sets one (3s) unless the file takes it away; other runners need a SET",
     "set lock_timeout = '3s';"},
    {rewriting_table, "rewriting-table", error, true, "eugene E10",
     "SET LOGGED, UNLOGGED, TABLESPACE (also of an index) or ACCESS METHOD, and a new generation "
     "expression",
     "reads and writes, until all rows are written anew", "for a table made in the same file",
     "-- in a quiet hour; or fill a new table, and swap the names"},
    {several_alter_tables, "several-alter-tables", note, true, "eugene W12",
     "a second ALTER TABLE of one table in a row", "the table is looked at, or written, once more",
     "never", "alter table t add column a text, add column b text;"},
    {several_tables_locked, "several-tables-locked", note, true, "eugene E4",
     "two tables that were there are locked against reads and writes in one transaction",
     "both, until the slower one is done; and a program that takes them the other way round is a "
     "deadlock",
     "never", "-- one file for each table"},
    {statements_behind_lock, "statements-behind-lock", error, true, "eugene E4",
     "a statement that goes over rows (UPDATE, DELETE, INSERT ... SELECT, SELECT, an index, DO), "
     "behind one that locks a table which was there, in one transaction",
     "reads and writes of that table, until the statement is done",
     "where each is a file of its own",
     "-- file 1\nalter table t add column c int;\n"
     "-- file 2\nupdate t set c = 1 where id between 1 and 10000;"},
    {transaction_nesting, "transaction-nesting", error, true, "squawk",
     "BEGIN or COMMIT in a file that is one transaction, BEGIN in an open one, COMMIT without one",
     "the transaction ends earlier than it seems; pgsluice refuses the file", "never",
     "-- pgsluice: no-transaction\nbegin;\ninsert into t values (1);\ncommit;"},
    {unfinished_text, "unfinished-text", error, true, "squawk syntax-error",
     "a quote, a dollar tag or a comment without an end", "the file cannot be run", "never",
     "select 'it''s';"},
    {unused_allow, "unused-allow", warning, true, "",
     "an allow directive in front of a statement in which its rule finds nothing",
     "nobody sees what it once stood for", "never", "-- take the line out"},
    {validating_under_lock, "validating-under-lock", error, true, "squawk, eugene E4",
     "VALIDATE CONSTRAINT in the transaction that has added it, or that has locked its table",
     "what the lock blocks, until all rows are read",
     "where VALIDATE CONSTRAINT stands in a file of its own",
     "-- file 1\nalter table t add constraint t_c_check check (c > 0) not valid;\n"
     "-- file 2\nalter table t validate constraint t_c_check;"},
};

consteval bool are_in_order() {
  for (std::size_t i = 0; i < std::size(all); ++i)
    if (static_cast<std::size_t>(all[i].id) != i) return false;
  return true;
}
static_assert(are_in_order());
static_assert(std::size(all) == static_cast<std::size_t>(validating_under_lock) + 1);

}  // namespace

std::span<const Rule> rules() { return all; }

const Rule& rule(RuleId id) { return all[static_cast<std::size_t>(id)]; }

const Rule* rule_named(std::string_view name) {
  const auto* const found = std::ranges::find(all, name, &Rule::name);
  return found == std::end(all) ? nullptr : found;
}

std::vector<std::string> rule_names() {
  std::vector<std::string> names;
  for (const Rule& one : all) names.emplace_back(one.name);
  return names;
}

std::string rules_page() {
  std::string page;
  for (const Rule& one : all) {
    page += "### " + std::string(one.name) + "\n\n" + std::string(name_of(one.level));
    if (!one.is_on) page += ", off unless it is asked for (`--include`)";
    if (!one.elsewhere.empty()) page += "; in " + std::string(one.elsewhere);
    page += "\n\n- finds: " + std::string(one.finds) + "\n- harm: " + std::string(one.harm) +
            "\n- harmless: " + std::string(one.harmless) + "\n\n```sql\n" + std::string(one.safer) +
            "\n```\n\n";
  }
  return page;
}

}  // namespace sluice::lint
