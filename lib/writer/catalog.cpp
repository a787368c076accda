#include "writer/catalog.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "base/columns.hpp"
#include "base/failure.hpp"
#include "ledger/ledger.hpp"
#include "ledger/places.hpp"
#include "ledger/run_lock.hpp"
#include "pg/batch.hpp"
#include "pg/search_path.hpp"

namespace sluice::writer {
namespace {

constexpr const char* search_path = "search_path";
constexpr const char* client_check = "client_connection_check_interval";

Sql set_local(const std::string& name, const std::string& value) {
  return sql("set local {} = {}; ", identifier(name), literal(value));
}

bool names_utc(std::string_view zone) {
  static constexpr std::array<std::string_view, 10> names{
      "UTC",     "Etc/UTC", "GMT",      "Etc/GMT",   "UCT",
      "Etc/UCT", "Zulu",    "Etc/Zulu", "Universal", "Etc/Universal"};
  return std::ranges::find(names, zone) != names.end();
}

// In the user's path, so each name is qualified. It answers the path as a setting, and jit.
constexpr SqlWords leave_out_own_schema =
    "select pg_catalog.set_config('search_path', case when 'pgsluice'::pg_catalog.name "
    "operator(pg_catalog.=) any (pg_catalog.current_schemas(false)) then coalesce((select "
    "pg_catalog.string_agg(pg_catalog.quote_ident(s.s::pg_catalog.text), ', '::pg_catalog.text) "
    "from pg_catalog.unnest(pg_catalog.current_schemas(false)) as s (s) where s.s "
    "operator(pg_catalog.<>) 'pgsluice'::pg_catalog.name), ''::pg_catalog.text) else "
    "pg_catalog.current_setting('search_path') end, true), pg_catalog.current_setting('jit')";

Sql remember_target(const std::string& table) {
  return sql(
      "select pg_catalog.set_config('pgsluice.target', "
      "({}::pg_catalog.regclass::pg_catalog.oid)::pg_catalog.text, true)",
      literal(table));
}

/// Stands in front of everything that changes the path.
Sql set_path_and_settings(const Settings& settings) {
  const auto path = settings.find(search_path);
  return (path == settings.end() ? Sql() : pg::set_local_path(path->second)) +
         writer::set_local(settings);
}

// One round trip for the usual table: what few tables have is asked for where `is_unusual` says so.
constexpr auto table_columns = columns_of({
    {"id", "c.oid::bigint"},
    {"schema", "n.nspname"},
    {"name", "c.relname"},
    {"quoted_name", "format('%I.%I', n.nspname, c.relname)"},
    {"kind", "c.relkind"},
    {"is_unusual", "c.relhastriggers or c.relhasrules or c.relkind = 'p'"},
    {"row_security", "row_security_active(c.oid)"},
    {"TimeZone", "current_setting('TimeZone')"},
    {"DateStyle", "current_setting('DateStyle')"},
    {"IntervalStyle", "current_setting('IntervalStyle')"},
    {"array_nulls", "current_setting('array_nulls')::boolean"},
    {"may_have_rules", "c.relhasrules"},
    {"is_on_linux", "version() like '%linux%'"},
    {"persistence", "c.relpersistence"},
    {"can_lock",
     "c.relkind in ('r', 'p') and has_table_privilege(c.oid, 'insert, update, delete, truncate')"},
    {"origin",
     "(select system_identifier from pg_catalog.pg_control_system()) || ':' || (select oid from "
     "pg_catalog.pg_database where datname = current_database())"},
    {"role", "current_user"},
    {"may_select", "has_table_privilege(c.oid, 'select')"},
    {"has_prepared",
     "exists (select from pg_catalog.pg_prepared_xact() x where starts_with(x.gid, 'pgsluice '))"},
    {"further_settings",
     "concat_ws(e'\\n', current_setting('timezone_abbreviations'), current_setting('lc_monetary'), "
     "current_setting('xmloption'))"},
});

// What a type of an extension is, by its input and its receive function: the library and the name
// in it, or the name alone where it is one of the server's own.
constexpr const char* type_functions =
    "case when t.oid >= 16384 and t.typtype = 'b' then (select string_agg(concat_ws(' ', p.probin, "
    "p.prosrc), ' ' order by p.oid = t.typreceive) from pg_catalog.pg_proc p where p.oid in "
    "(t.typinput, t.typreceive)) end";

constexpr auto column_columns = columns_of({
    {"name", "a.attname"},
    {"type", "a.atttypid::bigint"},
    {"type_kind", "t.typtype"},
    {"modifier", "a.atttypmod"},
    {"array_type", "t.typarray::bigint"},
    {"functions", type_functions},
    {"cast_name", "format('%I.%I', n.nspname, t.typname)"},
    {"type_name", "format_type(a.atttypid, a.atttypmod)"},
    {"not_null", "a.attnotnull"},
    {"has_default", "a.atthasdef"},
    {"generated", "a.attgenerated <> ''"},
    {"identity", "a.attidentity <> ''"},
    {"number", "a.attnum"},
});

// A domain's values are stored, sent and received as those of the type underneath.
constexpr auto base_columns = columns_of({
    {"type", "types.type::bigint"},
    {"type_kind", "t.typtype"},
    {"modifier", "types.modifier"},
    {"array_type", "t.typarray::bigint"},
    {"functions", type_functions},
    {"cast_name", "format('%I.%I', n.nspname, t.typname)"},
});

Sql base_types_query(const Sql& relation) {
  return sql(
      "with recursive types (attnum, type, modifier) as (select attnum, atttypid, atttypmod from "
      "pg_catalog.pg_attribute where attrelid = {} and attnum > 0 and not attisdropped union all "
      "select attnum, typbasetype, typtypmod from types join pg_catalog.pg_type on "
      "pg_catalog.pg_type.oid = type where typtype = 'd') select {} from types join "
      "pg_catalog.pg_type t on t.oid = types.type and t.typtype <> 'd' join "
      "pg_catalog.pg_namespace n on n.oid = t.typnamespace order by types.attnum",
      relation, base_columns.list());
}

constexpr auto storage_columns = columns_of({
    {"is_foreign", "coalesce(bool_or(c.relkind = 'f'), false)"},
    {"is_unlogged", "coalesce(bool_or(c.relpersistence = 'u' and c.relkind = 'r'), false)"},
    {"has_logged_part",
     "coalesce(bool_or(c.relpersistence <> 'u' and c.relkind in ('r', 'f')), true)"},
    {"has_row_security", "bool_or(c.relrowsecurity and c.oid <> {}::oid)"},
});

// Where rows of a view, of a table with rules, of a partitioned table come to lie.
Sql storage_query(const Sql& relation) {
  return sql(
      "with recursive bases (oid) as (select {}::oid union select d.refobjid from bases b join "
      "pg_catalog.pg_rewrite r on r.ev_class = b.oid join pg_catalog.pg_depend d on d.classid = "
      "'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = "
      "'pg_catalog.pg_class'::regclass), leaves (oid) as (select oid from bases union select "
      "t.relid from bases join pg_catalog.pg_class p on p.oid = bases.oid and p.relkind = 'p' "
      "cross join lateral pg_catalog.pg_partition_tree(p.oid) t) select {} from leaves join "
      "pg_catalog.pg_class c on c.oid = leaves.oid",
      relation, storage_columns.list(relation));
}

tuple::Extension extension_of(std::string_view functions) {
  using tuple::Extension;
  struct Known {
    std::string_view functions;
    Extension extension;
  };
  static constexpr std::array<Known, 6> all{{
      {"textin textrecv", Extension::text},
      {"$libdir/ltree ltree_in $libdir/ltree ltree_recv", Extension::ltree},
      {"$libdir/hstore hstore_in $libdir/hstore hstore_recv", Extension::hstore},
      {"$libdir/postgis-3 LWGEOM_in $libdir/postgis-3 LWGEOM_recv", Extension::geometry},
      {"$libdir/postgis-3 geography_in $libdir/postgis-3 geography_recv", Extension::geometry},
      {"$libdir/vector vector_in $libdir/vector vector_recv", Extension::vector},
  }};
  const auto known = std::ranges::find(all, functions, &Known::functions);
  return known == all.end() ? Extension::none : known->extension;
}

/// The table's row, and one for each column.
tuple::Table read_table(const pg::Result& row, const pg::Result& columns) {
  static constexpr auto& of = table_columns;
  static constexpr auto& at = column_columns;
  tuple::Table t;
  t.id = row.oid(0, of["id"]);
  t.schema = row.text(0, of["schema"]);
  t.name = row.text(0, of["name"]);
  t.quoted_name = row.text(0, of["quoted_name"]);
  t.kind = row.character(0, of["kind"]);
  t.row_security = row.boolean(0, of["row_security"]);
  t.may_have_rules = row.boolean(0, of["may_have_rules"]);
  t.persistence = row.character(0, of["persistence"]);
  t.is_unlogged = t.persistence == 'u';
  t.has_logged_part = !t.is_unlogged;
  t.is_foreign = t.kind == 'f';
  for (std::size_t i = 0; i < columns.rows(); ++i) {
    const tuple::Type type{.id = columns.oid(i, at["type"]),
                           .kind = columns.character(i, at["type_kind"]),
                           .modifier = columns.integer_32(i, at["modifier"]),
                           .array_id = columns.oid(i, at["array_type"]),
                           .extension = extension_of(columns.text_or(i, at["functions"], ""))};
    t.columns.push_back({.name = std::string(columns.text(i, at["name"])),
                         .declared = type,
                         .base_type = type,
                         .type_name = std::string(columns.text(i, at["type_name"])),
                         .cast_name = std::string(columns.text(i, at["cast_name"])),
                         .number = static_cast<std::int16_t>(columns.integer_32(i, at["number"])),
                         .not_null = columns.boolean(i, at["not_null"]),
                         .has_default = columns.boolean(i, at["has_default"]),
                         .generated = columns.boolean(i, at["generated"]),
                         .identity = columns.boolean(i, at["identity"])});
  }
  return t;
}

/// The same columns with the types under domains, a row for each.
void read_base_types(const pg::Result& rows, tuple::Table& table) {
  static constexpr auto& at = base_columns;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    table.columns[i].base_type = {.id = rows.oid(i, at["type"]),
                                  .kind = rows.character(i, at["type_kind"]),
                                  .modifier = rows.integer_32(i, at["modifier"]),
                                  .array_id = rows.oid(i, at["array_type"]),
                                  .extension = extension_of(rows.text_or(i, at["functions"], ""))};
    table.columns[i].cast_name = rows.text(i, at["cast_name"]);
  }
}

/// What decides how a text becomes a value. In a path that names the user's schema, it is the
/// user's.
std::map<std::string, std::string> read_reading(const pg::Result& row, std::string path,
                                                const std::string& role) {
  static constexpr auto& of = table_columns;
  if (path.contains("$user")) path += " of " + role;
  std::map<std::string, std::string> reading{
      {"DateStyle", std::string(row.text(0, of["DateStyle"]))},
      {"IntervalStyle", std::string(row.text(0, of["IntervalStyle"]))},
      {"TimeZone", std::string(row.text(0, of["TimeZone"]))},
      {"array_nulls", row.boolean(0, of["array_nulls"]) ? "on" : "off"},
      {"search_path", std::move(path)}};
  static constexpr std::array<const char*, 3> lines{"timezone_abbreviations", "lc_monetary",
                                                    "xmloption"};
  std::string_view text = row.text(0, of["further_settings"]);
  for (const char* name : lines) {
    const std::string_view line = text.substr(0, text.find('\n'));
    reading.emplace(name, line);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return reading;
}

/// Whether money has a point in front of two digits in that locale; of others only the server
/// knows.
bool has_cents(std::string_view lc_monetary) {
  return lc_monetary == "C" || lc_monetary == "POSIX" || lc_monetary.starts_with("C.") ||
         lc_monetary.starts_with("en_US");
}

bool has_domain(const tuple::Table& table) {
  return std::ranges::any_of(table.columns, [](const tuple::Column& column) {
    return column.base_type.kind == tuple::Type::domain;
  });
}

constexpr auto further_columns = columns_of({
    {"has_row_trigger", "{}"},
    {"has_insert_rule",
     "c.relhasrules and exists (select from pg_catalog.pg_rewrite where ev_class = c.oid and "
     "ev_type = '3')"},
    {"rules", "{}"},
});

/// Triggers, rules, the types under domains, and where the rows are stored.
asio::awaitable<void> describe_further(pg::Connection& on, Target& target) {
  tuple::Table& table = target.table;
  const Sql relation = sql("{}::regclass", table.id);
  pg::Batch batch;
  const auto of_table =
      batch.add(sql("select {} from pg_catalog.pg_class c where c.oid = {}",
                    further_columns.list(has_row_trigger(table), rules_digest(table)), relation));
  const auto of_types = batch.add(base_types_query(relation));
  const auto of_storage = batch.add(storage_query(relation));
  const auto results = co_await on.query(batch.text());
  const pg::Result& row = batch.answer(results, of_table);
  table.has_row_trigger = row.boolean(0, further_columns["has_row_trigger"]);
  table.has_insert_rule = row.boolean(0, further_columns["has_insert_rule"]);
  table.rules = row.text_or(0, further_columns["rules"], "");
  read_base_types(batch.answer(results, of_types), table);
  const pg::Result& storage = batch.answer(results, of_storage);
  table.is_foreign = storage.boolean(0, storage_columns["is_foreign"]);
  table.is_unlogged = storage.boolean(0, storage_columns["is_unlogged"]);
  table.has_logged_part = storage.boolean(0, storage_columns["has_logged_part"]);
  const bool goes_elsewhere = table.kind == 'v' || table.has_insert_rule;
  target.has_row_security =
      target.has_row_security ||
      (goes_elsewhere && storage.boolean(0, storage_columns["has_row_security"]));
}

constexpr auto part_columns = columns_of({
    {"composite", "c.type::bigint"},
    {"declared", "a.atttypid::bigint"},
    {"type", "t.oid::bigint"},
    {"type_kind", "t.typtype"},
    {"modifier", "b.modifier"},
    {"array_type", "t.typarray::bigint"},
    {"functions", type_functions},
});

/// The columns of composite types, of those in them too, in their order. `a` is one, `b` its type
/// under domains.
Sql parts_query(const Sql& composites) {
  static constexpr SqlWords parts =
      "join pg_catalog.pg_type ct on ct.oid = c.type join pg_catalog.pg_attribute a on a.attrelid "
      "= ct.typrelid and a.attnum > 0 and not a.attisdropped cross join lateral (with recursive "
      "under (type, modifier) as (select a.atttypid, a.atttypmod union all select d.typbasetype, "
      "d.typtypmod from under u join pg_catalog.pg_type d on d.oid = u.type where d.typtype = 'd') "
      "select u.type, u.modifier from under u join pg_catalog.pg_type d on d.oid = u.type and "
      "d.typtype <> 'd') b join pg_catalog.pg_type t on t.oid = b.type";
  return sql(
      "with recursive c (type) as (select v.type::oid from (values {}) v (type) union select t.oid "
      "from c {} and t.typtype = 'c') select {} from c {} order by c.type, a.attnum",
      composites, parts, part_columns.list(), parts);
}

using Parts = std::map<std::uint32_t, std::vector<tuple::Type::Part>>;

/// Fills in what composite types consist of. None contains itself.
void compose(tuple::Type& type, const Parts& parts) {
  const auto found = parts.find(type.id);
  if (type.kind != tuple::Type::composite || found == parts.end()) return;
  std::vector<tuple::Type::Part> own = found->second;
  for (tuple::Type::Part& part : own) compose(part.base, parts);
  type.composition = std::make_shared<const std::vector<tuple::Type::Part>>(std::move(own));
}

/// Of the composite types of its columns, where there are some.
asio::awaitable<void> describe_composites(pg::Connection& on, tuple::Table& table) {
  Sql composites;
  for (const tuple::Column& column : table.columns) {
    if (column.base_type.kind == tuple::Type::composite)
      composites +=
          sql("{}({})", composites.empty() ? SqlWords("") : SqlWords(", "), column.base_type.id);
  }
  if (composites.empty()) co_return;
  static constexpr auto& at = part_columns;
  const Sql ask = parts_query(composites);
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.back();
  Parts parts;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    parts[rows.oid(i, at["composite"])].push_back(
        {rows.oid(i, at["declared"]),
         {.id = rows.oid(i, at["type"]),
          .kind = rows.character(i, at["type_kind"]),
          .modifier = rows.integer_32(i, at["modifier"]),
          .array_id = rows.oid(i, at["array_type"]),
          .extension = extension_of(rows.text_or(i, at["functions"], ""))}});
  }
  for (tuple::Column& column : table.columns) compose(column.base_type, parts);
}

Failure own_table(const std::string& table) {
  return {FailureKind::usage, "--table " + table + ": the tables of the schema pgsluice are " +
                                  "pgsluice's own; nothing can be loaded into them"};
}

/// What is asked of the catalogs in one round trip, and what they say.
struct Catalogs {
  pg::Batch batch;
  pg::Batch::Step path;
  pg::Batch::Step table;
  pg::Batch::Step columns;
  pg::Batch::Step is_usual;
  pg::Results results;

  const pg::Result& of(pg::Batch::Step step) const { return batch.answer(results, step); }
};

Catalogs question_about(const std::string& table, const Settings& settings, ledger::Use use,
                        bool in_transaction) {
  Catalogs ask;
  ask.batch = pg::Batch(sql("{}{}", in_transaction ? SqlWords("") : SqlWords("begin; "),
                            set_path_and_settings(settings)));
  ask.path = ask.batch.add(leave_out_own_schema);
  ask.batch.add(remember_target(table));
  for (const SqlWords own : pg::own_settings) ask.batch.add(own);
  ask.table = ask.batch.add(
      sql("select {} from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = "
          "c.relnamespace where c.oid = {}",
          table_columns.list(), target_oid));
  ask.columns = ask.batch.add(
      sql("select {} from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = "
          "a.atttypid join pg_catalog.pg_namespace n on n.oid = t.typnamespace where a.attnum > 0 "
          "and not a.attisdropped and a.attrelid = {} order by a.attnum",
          column_columns.list(), target_oid));
  ask.is_usual = ask.batch.add(sql("select {}", ledger::usual_expression(use)));
  if (!in_transaction) ask.batch.add(sql("commit"));
  return ask;
}

asio::awaitable<Catalogs> ask_catalogs(pg::Connection& on, const std::string& table,
                                       const Settings& settings, ledger::Use use) {
  Catalogs catalogs = question_about(table, settings, use, on.in_transaction());
  std::optional<pg::PgError> missing;
  try {
    catalogs.results = co_await on.query_in_user_path(catalogs.batch.text());
    co_return catalogs;
  } catch (const pg::PgError& error) {
    if (!(error.state == sql_state::undefined_table)) throw;
    missing = error;
  }
  if (on.in_transaction()) co_await on.query("rollback");
  if (table.contains('.')) throw pg::PgError(*missing);
  const Sql is_own = sql("select to_regclass({}) is not null", literal("pgsluice." + table));
  const auto own = co_await on.query(is_own);
  if (own.front().boolean(0, 0)) throw own_table(table);
  throw pg::PgError(*missing);
}

// In the user's path, so each name is qualified.
constexpr auto place_columns = columns_of({
    {"parts", "pg_catalog.cardinality(p)"},
    {"schema",
     "coalesce(case when pg_catalog.cardinality(p) operator(pg_catalog.>) 1 then "
     "p[pg_catalog.cardinality(p) operator(pg_catalog.-) 1] else "
     "(pg_catalog.current_schemas(false))[1]::pg_catalog.text end, ''::pg_catalog.text)"},
    {"name", "p[pg_catalog.cardinality(p)]"},
    {"table", "coalesce(pg_catalog.to_regclass({})::pg_catalog.oid::pg_catalog.int8, 0)"},
});

/// The user's settings, and what decides how a text is read, as the row of the table says it.
Sql settings_of(const pg::Connection& on, const pg::Result& row, const Settings& settings) {
  static constexpr auto& of = table_columns;
  Sql all = writer::set_local(settings);
  // A backend that waits for a lock would not notice that its client is gone, and a cancellation
  // that comes before it waits is lost. Not every system lets a server look.
  static constexpr int version_with_check = 140000;
  const bool can_check =
      on.server_version() >= version_with_check && row.boolean(0, of["is_on_linux"]);
  if (can_check && !settings.contains(client_check)) all += set_local(client_check, "5s");
  for (const auto& [name, value] : ledger::keepalive_settings())
    if (!settings.contains(name)) all += set_local(name, value);
  all += set_local("timezone", std::string(row.text(0, of["TimeZone"])));
  // DateStyle is a list; quoted as a whole it is read as one.
  all += set_local("datestyle", std::string(row.text(0, of["DateStyle"])));
  all += set_local("intervalstyle", std::string(row.text(0, of["IntervalStyle"])));
  all += set_local("array_nulls", row.boolean(0, of["array_nulls"]) ? "on" : "off");
  return all;
}

}  // namespace

Sql rules_digest(const tuple::Table& as_known) {
  if (!as_known.may_have_rules) return sql("case when c.relhasrules then 'new' else '' end");
  return sql(
      "case when c.relhasrules then ({}select md5(string_agg(w.ev_action::text || w.ev_qual::text, "
      "'' order by w.oid)) from pg_catalog.pg_rewrite w where w.ev_class in (select oid from "
      "reached)) else '' end",
      reached);
}

// tgtype's bits: 1 row, 2 before, 4 insert, 64 instead of (pg_trigger.h). A partition may have
// triggers of its own.
Sql has_row_trigger(const tuple::Table& as_known) {
  const auto exists = [](SqlWords of_which) {
    return sql(
        "exists (select from pg_catalog.pg_trigger t where not t.tgisinternal and t.tgtype & 5 = 5 "
        "and t.tgtype & 66 <> 0 and t.tgrelid {})",
        of_which);
  };
  const Sql through_rules = as_known.may_have_rules
                                ? sql("when c.relhasrules then ({}select {}) ", reached,
                                      exists("in (select oid from reached)"))
                                : Sql();
  const Sql otherwise = as_known.kind == 'p'
                            ? exists("in (select relid from pg_catalog.pg_partition_tree(c.oid))")
                            : sql("c.relhastriggers and {}", exists("= c.oid"));
  // A CASE, as it is only there that what does not count is not run.
  return sql("case {}when true then {} end", through_rules, otherwise);
}

Sql set_local(const Settings& settings) {
  Sql all;
  for (const auto& [name, value] : settings)
    if (name != search_path) all += set_local(name, value);
  return all;
}

Sql find_target(const std::string& table, const Settings& settings) {
  return sql("{}{}; {}; ", set_path_and_settings(settings), leave_out_own_schema,
             remember_target(table));
}

asio::awaitable<Place> begin_at(pg::Connection& on, std::string table, Settings settings) {
  static constexpr auto& of = place_columns;
  pg::Batch batch(sql("begin; {}", set_path_and_settings(settings)));
  const auto path = batch.add(leave_out_own_schema);
  const auto place = batch.add(
      sql("select {} from pg_catalog.parse_ident({}) p", of.list(literal(table)), literal(table)));
  const auto results = co_await on.query_in_user_path(batch.text());
  const pg::Result& row = batch.answer(results, place);
  Place found{.schema = std::string(row.text(0, of["schema"])),
              .name = std::string(row.text(0, of["name"])),
              .parts = static_cast<std::size_t>(row.integer(0, of["parts"])),
              .quoted_name = {},
              .table = row.oid(0, of["table"]),
              .path = std::string(batch.answer(results, path).text(0, 0))};
  if (found.schema == "pgsluice") throw own_table(table);
  found.quoted_name = name_in_sql(found.schema) + "." + name_in_sql(found.name);
  co_return found;
}

asio::awaitable<Target> describe(pg::Connection& on, std::string table, Settings settings,
                                 ledger::Use use) {
  static constexpr auto& of = table_columns;
  const Catalogs catalogs = co_await ask_catalogs(on, table, settings, use);
  const pg::Result& row = catalogs.of(catalogs.table);
  const pg::Result& users = catalogs.of(catalogs.path);
  const std::string path(users.text(0, 0));
  Target target;
  target.user_path_sql =
      pg::set_local_path(path) + sql("set local jit = {}; ", literal(users.text(0, 1)));
  target.settings_sql = settings_of(on, row, settings);
  target.can_lock = row.boolean(0, of["can_lock"]);
  target.origin = row.text(0, of["origin"]);
  target.data_encoding = on.data_encoding();

  tuple::Table& t = target.table;
  t = read_table(row, catalogs.of(catalogs.columns));
  target.has_row_security = t.row_security;
  target.role = row.text(0, of["role"]);
  target.may_select = row.boolean(0, of["may_select"]);
  target.has_prepared = row.boolean(0, of["has_prepared"]);
  target.startup_options = on.startup_options();
  if (t.schema == "pgsluice") throw own_table(table);
  target.ledger = catalogs.of(catalogs.is_usual).boolean(0, 0) ? ledger::State::complete
                                                               : co_await ledger::ask(on, use);
  const bool is_unusual = row.boolean(0, of["is_unusual"]) || t.kind == 'v' || has_domain(t);
  if (is_unusual) co_await describe_further(on, target);
  co_await describe_composites(on, t);
  target.reading = read_reading(row, path, target.role);
  target.session = {
      .time_zone_is_utc = names_utc(row.text(0, of["TimeZone"])),
      .interval_style_is_sql_standard = row.text(0, of["IntervalStyle"]) == "sql_standard",
      .array_nulls = row.boolean(0, of["array_nulls"]),
      .text_is_utf8 = on.text_is_checked_as_utf8(),
      .money_is_in_cents = has_cents(target.reading.at("lc_monetary"))};
  co_return target;
}

Sql emptiness(const Target& target, Far far) {
  const tuple::Table& table = target.table;
  if (table.kind == 'v' || table.has_insert_rule) return sql("false");
  // There may be rows that this user does not see, and COPY needs the right to insert only.
  const bool may_look = target.may_select && !table.row_security;
  if (may_look && (!table.is_foreign || far == Far::asked))
    return sql("not exists (select from {})", table.sql_name());
  return ledger::has_no_pages(table.id);
}

asio::awaitable<Sql> seen_empty(pg::Connection& on, const Target& target) {
  const Sql is_empty = emptiness(target, Far::asked);
  const Sql ask = sql("{}select {}", target.settings_sql, is_empty);
  const auto results = co_await on.query(ask);
  co_return results.back().boolean(0, 0) ? is_empty : Sql();
}

}  // namespace sluice::writer
