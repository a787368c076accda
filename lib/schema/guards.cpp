#include "schema/guards.hpp"

#include "ledger_sql.hpp"

namespace sluice::schema {
namespace {

// What they were when they were made is the text of a function that nobody calls, guards_as_made():
// select 'FORM WHAT ROWS'. FORM is form(), WHAT a digest of their definitions, ROWS one of their
// catalog rows. It belongs to the schema's owner, who may do anything with them too.
constexpr int form_of_guards = 1;

/// With the newest file of the ledger: whoever has brought the tables to that has made the guards
/// again.
std::string form(const std::string& newest) {
  return newest + "." + std::to_string(form_of_guards);
}

Sql what_they_are() {
  return sql(
      "(select pg_catalog.md5(pg_catalog.string_agg(g.guard, '' order by g.guard)) from (select "
      "pg_catalog.concat_ws(' ', p.proname, p.prosrc, p.provolatile, p.prosecdef, p.proconfig) "
      "from "
      "pg_catalog.pg_proc p where p.pronamespace = pg_catalog.to_regnamespace('pgsluice') and "
      "p.proname in ({}) union all select pg_catalog.concat_ws(' ', t.tgenabled, "
      "pg_catalog.pg_get_triggerdef(t.oid)) from pg_catalog.pg_class c join pg_catalog.pg_trigger "
      "t "
      "on t.tgrelid = c.oid where c.relnamespace = pg_catalog.to_regnamespace('pgsluice') and "
      "c.relname in ('loads', 'chunks', 'rejects', 'segments', 'unlogged_marks', "
      "'deferred_indexes') and "
      "t.tgname in "
      "('whose_insert', 'whose_update', 'whose_delete', 'guard')) as g (guard))",
      guard_functions);
}

// Every change of a catalog's row gives it another xmin. The functions of the schema, and the
// triggers on its tables: where there are more than guards.sql makes, somebody else's are among
// them, and there is no digest. Of things_of_schema.
constexpr SqlWords digest_of_rows =
    "case when pg_catalog.count(t.oid) = 16 then pg_catalog.md5(pg_catalog.string_agg("
    "pg_catalog.concat_ws(' ', p.oid, p.xmin, t.oid, t.xmin), ',' order by p.oid, t.oid) filter "
    "(where p.proname is distinct from 'guards_as_made')) end";

// By pg_depend, which has an index for it: there may be a hundred thousand other tables.
constexpr SqlWords things_of_schema =
    " from pg_catalog.pg_namespace n join pg_catalog.pg_depend d on d.refclassid = "
    "'pg_catalog.pg_namespace'::pg_catalog.regclass and d.refobjid = n.oid left join "
    "pg_catalog.pg_class c on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and c.oid = "
    "d.objid left join pg_catalog.pg_trigger t on t.tgrelid = c.oid and not t.tgisinternal left "
    "join pg_catalog.pg_proc p on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and p.oid "
    "= d.objid where n.nspname = 'pgsluice'";

// The word of that number in what guards_as_made() says.
Sql word(SqlWords source, int number) {
  return sql("pg_catalog.split_part(pg_catalog.split_part({}, '''', 2), ' ', {})", source, number);
}

}  // namespace

/// Forms are compared as texts: what turns a text into a number may be somebody's cast.
Sql has_guards(const std::string& newest) {
  return sql(
      "coalesce((select {} collate pg_catalog.\"C\" >= {} and {} = {} from pg_catalog.pg_proc p "
      "where p.pronamespace = pg_catalog.to_regnamespace('pgsluice') and p.proname = "
      "'guards_as_made'), false)",
      word("p.prosrc", 1), literal(form(newest)), word("p.prosrc", 2), what_they_are());
}

Sql is_untouched(const std::string& newest, const Sql& is_trusted) {
  constexpr SqlWords made = "pg_catalog.max(p.prosrc) filter (where p.proname = 'guards_as_made')";
  // The schema is its owner's who also owns a thing in it: one that is looked at.
  return sql(
      "coalesce((select pg_catalog.bool_and({}) and not pg_catalog.bool_or(coalesce("
      "c.relrowsecurity or c.relkind = 'r' and c.relhasrules, false)) and "
      "pg_catalog.bool_or(n.nspowner = {}) and {} = {} and {} = {}{}), false)",
      is_trusted, owner_of_thing, word(made, 1), literal(form(newest)), word(made, 3),
      digest_of_rows, things_of_schema);
}

Sql make_guards(const std::string& newest) {
  return sql(
      "{};do $$ begin execute pg_catalog.format('create or replace function "
      "pgsluice.guards_as_made() returns text language sql immutable set search_path = "
      "pg_catalog, pg_temp as %L; comment on function pgsluice.guards_as_made() is %L', "
      "pg_catalog.format('select %L', pg_catalog.concat_ws(' ', {}, {}, coalesce((select {}{}), "
      "''))), 'What the functions and triggers were, when they were made, that keep others from "
      "writing about a load.'); end $$;",
      // A file of our own, as it was built in.
      Sql::trusted(std::string(files_of_ledger::guards)), literal(form(newest)), what_they_are(),
      digest_of_rows, things_of_schema);
}

}  // namespace sluice::schema
