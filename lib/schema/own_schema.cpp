#include "schema/own_schema.hpp"

#include <array>

#include "base/failure.hpp"
#include "ledger_sql.hpp"
#include "schema/guards.hpp"
#include "script/plan.hpp"

namespace sluice::schema {
namespace {

struct Embedded {
  const char* file;
  std::string_view text;
  /// True where a version of pgsluice that kept no history has applied it.
  Sql is_there;
};

// Whoever may not use the schema may ask these as well.
Sql has_relation(const char* name) {
  return sql(
      "exists (select from pg_catalog.pg_class c where c.relnamespace = "
      "pg_catalog.to_regnamespace('pgsluice') and c.relname = {})",
      literal(name));
}
Sql has_column(const char* table, const char* name) {
  return sql(
      "exists (select from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = "
      "c.oid where c.relnamespace = pg_catalog.to_regnamespace('pgsluice') and c.relname = {} and "
      "a.attname = {})",
      literal(table), literal(name));
}
Sql has_constraint(const char* name) {
  return sql(
      "exists (select from pg_catalog.pg_constraint c where c.connamespace = "
      "pg_catalog.to_regnamespace('pgsluice') and c.conname = {})",
      literal(name));
}

const std::array<Embedded, 23> files{{
    {"V001__loads_and_chunks.sql", files_of_ledger::V001__loads_and_chunks, has_relation("chunks")},
    {"V002__deferred_indexes.sql", files_of_ledger::V002__deferred_indexes,
     has_relation("deferred_indexes")},
    {"V003__rejects.sql", files_of_ledger::V003__rejects, has_column("loads", "rejects_path")},
    {"V004__upsert_and_atomic.sql", files_of_ledger::V004__upsert_and_atomic,
     has_column("chunks", "rows_updated")},
    {"V005__jobs.sql", files_of_ledger::V005__jobs, has_relation("job_runs")},
    {"V006__identity.sql", files_of_ledger::V006__identity, has_relation("unlogged_marks")},
    {"V007__deferred_indexes_by_whom.sql", files_of_ledger::V007__deferred_indexes_by_whom,
     has_relation("deferred_indexes_target")},
    {"V008__where_and_accepted.sql", files_of_ledger::V008__where_and_accepted,
     has_constraint("migrations_search_path")},
    {"V009__projects_of_jobs.sql", files_of_ledger::V009__projects_of_jobs,
     has_constraint("job_runs_of_project")},
    {"V010__parts_that_are_gone.sql", files_of_ledger::V010__parts_that_are_gone,
     has_relation("loads_file_idx")},
    {"V011__whose_loads.sql", files_of_ledger::V011__whose_loads, has_relation("loads_place_idx")},
    {"V012__short_contents.sql", files_of_ledger::V012__short_contents,
     has_column("loads", "start")},
    {"V013__instants_and_counts.sql", files_of_ledger::V013__instants_and_counts,
     has_constraint("job_runs_attempts")},
    {"V014__filtered_rows.sql", files_of_ledger::V014__filtered_rows,
     has_column("loads", "rows_filtered")},
    {"V015__undone_and_deleted.sql", files_of_ledger::V015__undone_and_deleted,
     has_column("loads", "rows_undone")},
    {"V016__order_of_writers.sql", files_of_ledger::V016__order_of_writers,
     has_column("loads", "last_write")},
    {"V017__uploads_and_rejects.sql", files_of_ledger::V017__uploads_and_rejects,
     has_relation("uploads")},
    {"V018__ways_back.sql", files_of_ledger::V018__ways_back, has_relation("reverted")},
    {"V019__hooks.sql", files_of_ledger::V019__hooks, has_column("job_runs", "hooks_due")},
    {"V020__segments.sql", files_of_ledger::V020__segments, has_relation("segments")},
    {"V021__where_it_led.sql", files_of_ledger::V021__where_it_led,
     has_column("migrations", "led_to")},
    {"V022__lengths_of_contents.sql", files_of_ledger::V022__lengths_of_contents,
     has_relation("loads_lengths_idx")},
    {"V023__committing.sql", files_of_ledger::V023__committing, has_column("loads", "committing")},
}};

/// V and three digits.
std::string newest_version() {
  return std::string(std::string_view(files.back().file).substr(0, 4));
}

const script::Home home{.project = project, .search_path = {}};

using Privileges = std::vector<const char*>;

std::string in_schema(const char* name) { return std::string("pgsluice.") + name; }

struct Right {
  const char* table;
  Privileges privileges;
};

struct Needs {
  Sql is_there;  ///< true where all tables are there that are asked for, with their columns
  std::vector<Right> rights;
  const char* sequence = nullptr;  ///< whose numbers are drawn
  bool guards = false;             ///< what others write must be about loads of theirs
};

Needs needs_of(Use use) {
  const Sql& newest = files.back().is_there;
  const Privileges writes{"select", "insert", "update"};
  const Privileges all{"select", "insert", "update", "delete"};
  const Privileges reads{"select"};
  const char* const load_numbers = "loads_load_id_seq";
  switch (use) {
    case Use::load:
      return {newest,
              {{"loads", writes}, {"chunks", writes}, {"unlogged_marks", writes}},
              load_numbers,
              true};
    case Use::load_deferring:
      // An index is dropped at the beginning and struck out of the journal at the end.
      return {newest,
              {{"loads", writes},
               {"chunks", writes},
               {"unlogged_marks", writes},
               {"deferred_indexes", all}},
              load_numbers,
              true};
    case Use::read_loads:
      return {newest, {{"loads", reads}, {"chunks", reads}, {"deferred_indexes", reads}}};
    case Use::schedule: return {newest, {{"jobs", all}, {"job_runs", all}}};
    case Use::read_jobs: return {newest, {{"jobs", reads}, {"job_runs", reads}}};
    case Use::read_runs: return {newest, {{"job_runs", reads}}};
    case Use::migrate: return {newest, {{"migrations", writes}}};
    case Use::migrate_back:
      return {newest, {{"migrations", all}, {"reverted", {"select", "insert"}}}};
    case Use::read_history: break;
  }
  return {has_relation("migrations"), {{"migrations", reads}}};
}

// What is ours, by its kind in SQL, with its owner: what our statements name, what stands above or
// below these tables, and all that runs with them. That is what a default, a constraint, an index,
// a trigger or statistics of them call, which is theirs as whoever owned the tables once, or has
// the privilege TRIGGER, may have made it. What else is in the schema nothing calls. Staging tables
// are looked at by those who use them.
Sql own_things() {
  return sql(
      "(with tables as (select c.oid, c.relname, c.relowner, c.relkind from pg_catalog.pg_class c "
      "where c.relnamespace = to_regnamespace('pgsluice') and c.relkind not in ('i', 'I', 'c', "
      "'t') "
      "and c.relname in ('loads', 'chunks', 'unlogged_marks', 'deferred_indexes', 'jobs', "
      "'job_runs', 'migrations', 'rejects', 'uploads', 'reverted', 'loads_load_id_seq', "
      "'migrations_migration_id_seq', 'reverted_reverted_id_seq')), parts as "
      "(select 'pg_catalog.pg_class'::regclass::oid as class, oid from tables union all select "
      "d.classid, d.objid from tables t join pg_catalog.pg_depend d on d.refclassid = "
      "'pg_catalog.pg_class'::regclass and d.refobjid = t.oid and d.deptype in ('a', 'i')), called "
      "as (select distinct d.refclassid, d.refobjid from parts p join pg_catalog.pg_depend d on "
      "d.classid = p.class and d.objid = p.oid) "
      "select 'schema' as kind, 'pgsluice' as name, nspowner as owner from pg_catalog.pg_namespace "
      "where nspname = 'pgsluice' union all select case relkind when 'S' then 'sequence' when 'v' "
      "then 'view' else 'table' end, format('pgsluice.%I', relname), relowner from tables union "
      "all "
      "select 'table', format('%I.%I', n.nspname, c.relname), c.relowner from tables t join "
      "pg_catalog.pg_inherits i on t.oid in (i.inhparent, i.inhrelid) join pg_catalog.pg_class c "
      "on "
      "c.oid in (i.inhparent, i.inhrelid) and c.oid <> t.oid join pg_catalog.pg_namespace n on "
      "n.oid "
      "= c.relnamespace where c.relkind not in ('i', 'I') union all select 'function', "
      "p.oid::regprocedure::text, p.proowner from pg_catalog.pg_proc p where p.pronamespace = "
      "to_regnamespace('pgsluice') and p.proname in ({}, "
      "'guards_as_made') union all select 'function', p.oid::regprocedure::text, p.proowner from "
      "called join pg_catalog.pg_proc p on refclassid = 'pg_catalog.pg_proc'::regclass and p.oid = "
      "refobjid union all select 'operator', o.oid::regoperator::text, o.oprowner from called join "
      "pg_catalog.pg_operator o on refclassid = 'pg_catalog.pg_operator'::regclass and o.oid = "
      "refobjid union all select 'type', format_type(y.oid, null), y.typowner from called join "
      "pg_catalog.pg_type y on refclassid = 'pg_catalog.pg_type'::regclass and y.oid = refobjid) "
      "as "
      "own",
      guard_functions);
}

// What decides which rows of ours are read and kept. Triggers behind a row may do as they like.
Sql what_interferes() {
  return sql(
      "(select format('row-level security of pgsluice.%I', c.relname) from pg_catalog.pg_class c "
      "where c.relnamespace = to_regnamespace('pgsluice') and c.relrowsecurity and "
      "row_security_active(c.oid) union all select format('rule %I of pgsluice.%I', r.rulename, "
      "c.relname) from pg_catalog.pg_class c join pg_catalog.pg_rewrite r on r.ev_class = c.oid "
      "where c.relnamespace = to_regnamespace('pgsluice') and c.relkind = 'r' and r.ev_enabled <> "
      "'D' union all select format('trigger %I of pgsluice.%I', t.tgname, c.relname) from "
      "pg_catalog.pg_class c join pg_catalog.pg_trigger t on t.tgrelid = c.oid where "
      "c.relnamespace "
      "= to_regnamespace('pgsluice') and not t.tgisinternal and (t.tgtype & 3) = 3 and t.tgenabled "
      "<> 'D' and t.tgfoid not in (select p.oid from pg_catalog.pg_proc p where p.pronamespace = "
      "to_regnamespace('pgsluice') and p.proname in ({}))) as i (what)",
      guard_functions);
}

Sql is_untrusted(SqlWords owner) {
  return sql(
      "({} <> (select datdba from pg_catalog.pg_database where datname = current_database()) and "
      "{} "
      "<> (select oid from pg_catalog.pg_roles where rolname = current_user) and not (select "
      "rolsuper or rolname = 'pg_database_owner' from pg_catalog.pg_roles where oid = {}))",
      owner, owner, owner);
}

/// True where the user has every right that is asked for.
Sql has_rights(const Needs& needs) {
  std::vector<Sql> has{sql("true")};
  if (needs.sequence != nullptr)
    has.push_back(sql("has_sequence_privilege({}, 'usage')", literal(in_schema(needs.sequence))));
  for (const Right& right : needs.rights) {
    for (const char* privilege : right.privileges)
      has.push_back(
          sql("has_table_privilege({}, {})", literal(in_schema(right.table)), literal(privilege)));
  }
  return joined(has, " and ");
}

/// Begins a transaction in which no other runner does the same, makes the schema, and asks what is
/// there: a row for the next step.
Sql begin() {
  // Whoever is paused in the middle of it keeps all others waiting for so long and no longer.
  // "create schema if not exists" wants the privilege even where the schema is there, and two at
  // once would collide.
  return sql(
      "begin;set local search_path = pg_catalog, pg_temp;"
      "set local idle_in_transaction_session_timeout = '10s';select "
      "pg_catalog.pg_advisory_xact_lock(hashtextextended('pgsluice ledger', 0));do $$ begin if "
      "to_regnamespace('pgsluice') is null then execute 'create schema pgsluice'; end if; end "
      "$$;select {}, {}, {}",
      has_relation("migrations"),
      sql_list(files, [](const Embedded& file) { return file.is_there; }),
      has_guards(newest_version()));
}

Sql text_of(std::string_view file) {
  // A file of our own, as it was built in.
  return Sql::trusted(std::string(file));
}

/// Makes the history unless it is there. Its result is the history's own: rows for the next step.
Sql create_history(const script::Row& row) {
  Sql text;
  if (row[0] != "t") {
    text = sql("{};", text_of(files_of_ledger::history));
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (row[i + 1] != "t") continue;
      const script::Script script = script::make_script(files[i].file, files[i].text);
      text += sql("{};", script::record_applied(home, script).write);
    }
  }
  return text + script::history_query(project);
}

/// What is not applied yet, with its rows in the history. May be empty.
Sql upgrade(const script::Rows& history) {
  script::Folder folder;
  for (const Embedded& file : files)
    folder.versioned.push_back(script::make_script(file.file, file.text));
  script::History known;
  for (const auto& row : history) known.entries.push_back(script::read_entry(row));
  Sql text;
  // A newer pgsluice may have applied more: that is no drift here.
  for (const script::Status& status : script::make_plan(folder, known, std::nullopt).pending)
    text += sql("{}\n;{};", text_of(status.script->text),
                script::record_applied(home, *status.script).write);
  return text;
}

}  // namespace

Sql state_expression(Use use) {
  const Needs needs = needs_of(use);
  // Whoever may not use the schema may not even ask whether a table is there.
  return sql(
      "case when to_regnamespace('pgsluice') is null then 'incomplete' when exists (select from {} "
      "where {}) then 'untrusted' when not has_schema_privilege('pgsluice', 'usage') then 'closed' "
      "when exists (select from {}) then 'filtered' when not ({}{}) then 'incomplete' when {} then "
      "'complete' else 'closed' end",
      own_things(), is_untrusted("own.owner"), what_interferes(), needs.is_there,
      needs.guards ? sql(" and {}", has_guards(newest_version())) : Sql(), has_rights(needs));
}

Sql usual_expression(Use use) {
  return sql(
      "case when to_regnamespace('pgsluice') is null then false when not "
      "has_schema_privilege('pgsluice', 'usage') then false else {} and {} end",
      is_untouched(newest_version(), sql("not {}", is_untrusted(owner_of_thing))),
      has_rights(needs_of(use)));
}

State state_of(std::string_view value) {
  if (value == "complete") return State::complete;
  if (value == "untrusted") return State::untrusted;
  if (value == "filtered") return State::filtered;
  return value == "closed" ? State::closed : State::incomplete;
}

Sql missing_grants_query(Use use) {
  const Needs needs = needs_of(use);
  const Sql rights = sql_list(needs.rights, [](const Right& right) {
    return sql("({}::name, array[{}])", literal(right.table), sql_list(right.privileges, literal));
  });
  // By oid: whoever may not use the schema may not name what is in it.
  const Sql sequence =
      needs.sequence == nullptr
          ? sql("null")
          : sql("(select format('grant usage on sequence pgsluice.%I to %I;', relname, "
                "current_user) from pg_catalog.pg_class where relnamespace = "
                "to_regnamespace('pgsluice') and relname = {} and not "
                "has_sequence_privilege(oid, 'usage'))",
                literal(needs.sequence));
  return sql(
      "select concat_ws(' ', case when not has_schema_privilege('pgsluice', 'usage') then "
      "format('grant usage on schema pgsluice to %I;', current_user) end, (select string_agg("
      "format('grant %s on pgsluice.%I to %I;', m.missing, c.relname, current_user), ' ' order "
      "by c.relname) from pg_catalog.pg_class c join (values {}) r (name, wanted) on r.name = "
      "c.relname cross join lateral (select string_agg(p, ', ') as missing from unnest(r.wanted) p "
      "where not has_table_privilege(c.oid, p)) m where c.relnamespace = "
      "to_regnamespace('pgsluice') and m.missing is not null), {})",
      rights, sequence);
}

std::string closed(const std::string& user, const std::string& missing_grants) {
  return "the schema pgsluice of this database is not open to user " + quote_identifier(user) +
         "\n  Ask its owner to run: " + missing_grants;
}

Sql filtered_query() {
  return sql(
      "select string_agg(what, ', ' order by what) || e'\\n  Their owner drops or disables that; "
      "past "
      "row-level security a user also comes by: alter role ' || quote_ident(current_user) || ' "
      "bypassrls;' from {}",
      what_interferes());
}

std::string filtered(const std::string& text) {
  return "not all of what pgsluice keeps in this database is read or kept as it is, and what was "
         "done could be done again; so nothing was: " +
         text;
}

Sql untrusted_query() {
  // Sequences go with their tables.
  return sql(
      "select string_agg(distinct format('%s %s belongs to %I', kind, name, "
      "pg_catalog.pg_get_userbyid(owner)), ', ') || e'\\n  The database''s owner or a superuser "
      "mends "
      "it, once it is sure what is in there: ' || string_agg(distinct case when kind in "
      "('function', 'operator', 'type') then "
      "'drop ' || kind || ' ' || name || ' cascade;' else 'alter ' || kind || ' ' || name || ' "
      "owner "
      "to ' || quote_ident(pg_catalog.pg_get_userbyid((select datdba from pg_catalog.pg_database "
      "where datname = current_database()))) || ';' end, ' ') from {} where kind <> 'sequence' and "
      "{}",
      own_things(), is_untrusted("own.owner"));
}

std::string untrusted(const std::string& text) {
  return "what pgsluice keeps in this database could run anything as you, and was not touched: " +
         text;
}

std::optional<Sql> Making::next(const script::Rows& answer) {
  switch (step_++) {
    case 0: return begin();
    case 1:
      has_guards_ = answer.front()[files.size() + 1] == "t";
      return create_history(answer.front());
    case 2:
      return sql("{}{}commit", upgrade(answer),
                 has_guards_ ? Sql() : make_guards(newest_version()));
    default: return std::nullopt;
  }
}

std::string advice(const std::string& user, bool is_there) {
  if (is_there) {
    return "\n  The schema pgsluice is an older version's, or lacks a part: its owner brings it up "
           "to "
           "date by running this version once, for example pgsluice schedule run --once.";
  }
  return "\n  Ask the database's owner, or a superuser, to run pgsluice once (to load a file, or "
         "pgsluice migrate up), which makes them for all; the next run says what to grant. Where "
         "nobody else loads into this database, this does as well: create schema pgsluice "
         "authorization " +
         quote_identifier(user) + ";";
}

}  // namespace sluice::schema
