#include "writer/catalog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/failure.hpp"
#include "base/identifier.hpp"
#include "ledger/ledger.hpp"
#include "ledger/places.hpp"
#include "ledger/run_lock.hpp"
#include "pg/search_path.hpp"

namespace sluice::writer {
namespace {

constexpr const char* search_path = "search_path";
constexpr const char* client_check = "client_connection_check_interval";

std::string set_local(const std::string& name, const std::string& value) {
  return "set local " + quote_identifier(name) + " = " + quote_literal(value) + "; ";
}

bool names_utc(std::string_view zone) {
  static constexpr std::array<std::string_view, 10> names{
      "UTC",     "Etc/UTC", "GMT",      "Etc/GMT",   "UCT",
      "Etc/UCT", "Zulu",    "Etc/Zulu", "Universal", "Etc/Universal"};
  return std::ranges::find(names, zone) != names.end();
}

// In the user's path, so each name is qualified. The second column of the result is the path as a
// setting.
constexpr const char* leave_out_own_schema =
    "select pg_catalog.set_config('search_path', case when 'pgsluice'::pg_catalog.name "
    "operator(pg_catalog.=) any (pg_catalog.current_schemas(false)) then coalesce((select "
    "pg_catalog.string_agg(pg_catalog.quote_ident(s.s::pg_catalog.text), ', '::pg_catalog.text) "
    "from pg_catalog.unnest(pg_catalog.current_schemas(false)) as s (s) where s.s "
    "operator(pg_catalog.<>) 'pgsluice'::pg_catalog.name), ''::pg_catalog.text) else "
    "pg_catalog.current_setting('search_path') end, true); ";

// One round trip for the usual table: what few tables have is asked for where this says so.
constexpr const char* table_sql =
    "select c.oid::bigint, n.nspname, c.relname, format('%I.%I', n.nspname, c.relname), c.relkind, "
    "c.relhastriggers or c.relhasrules or c.relkind = 'p', row_security_active(c.oid), "
    "current_setting('TimeZone'), current_setting('DateStyle'), current_setting('IntervalStyle'), "
    "current_setting('array_nulls')::boolean, "
    "c.relhasrules, "
    "version() like '%linux%', c.relpersistence, c.relkind in ('r', 'p') and "
    "has_table_privilege(c.oid, 'insert, update, delete, truncate'), "
    "(select system_identifier from pg_catalog.pg_control_system()) || ':' || (select oid from "
    "pg_catalog.pg_database "
    "where datname = current_database()), current_user, has_table_privilege(c.oid, 'select'), "
    "concat_ws(e'\\n', current_setting('timezone_abbreviations'), current_setting('lc_monetary'), "
    "current_setting('xmloption'))";
constexpr const char* of_table =
    " from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where "
    "c.oid = ";

constexpr const char* columns_sql =
    "select a.attname, a.atttypid::bigint, t.typtype, a.atttypmod, t.typarray::bigint, "
    "format('%I.%I', n.nspname, t.typname), format_type(a.atttypid, a.atttypmod), a.attnotnull, "
    "a.atthasdef, a.attgenerated <> '', a.attidentity <> '', a.attnum "
    "from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid "
    "join pg_catalog.pg_namespace n on n.oid = t.typnamespace "
    "where a.attnum > 0 and not a.attisdropped and a.attrelid = ";

// A domain's values are stored, sent and received as those of the type underneath.
constexpr const char* domains_sql =
    "with recursive types (attnum, type, modifier) as ("
    "select attnum, atttypid, atttypmod from pg_catalog.pg_attribute where attrelid = %REL% and "
    "attnum > 0 "
    "and not attisdropped "
    "union all select attnum, typbasetype, typtypmod from types join pg_catalog.pg_type on "
    "pg_catalog.pg_type.oid = type "
    "where typtype = 'd') "
    "select types.type::bigint, t.typtype, types.modifier, t.typarray::bigint, "
    "format('%I.%I', n.nspname, t.typname) "
    "from types join pg_catalog.pg_type t on t.oid = types.type and t.typtype <> 'd' "
    "join pg_catalog.pg_namespace n on n.oid = t.typnamespace order by types.attnum";

// Where rows of a view, of a table with rules, of a partitioned table come to lie.
constexpr const char* storage_sql =
    "with recursive bases (oid) as (select %REL%::oid union select d.refobjid from bases b "
    "join pg_catalog.pg_rewrite r on r.ev_class = b.oid join pg_catalog.pg_depend d on d.classid = "
    "'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = "
    "'pg_catalog.pg_class'::regclass), "
    "leaves (oid) as (select oid from bases union select t.relid from bases join "
    "pg_catalog.pg_class p "
    "on p.oid = bases.oid and p.relkind = 'p' cross join lateral "
    "pg_catalog.pg_partition_tree(p.oid) t) "
    "select coalesce(bool_or(c.relkind = 'f'), false), coalesce(bool_or(c.relpersistence = 'u' and "
    "c.relkind = 'r'), false), coalesce(bool_or(c.relpersistence <> 'u' and c.relkind in ('r', "
    "'f')), true), bool_or(c.relrowsecurity and c.oid <> %REL%::oid) from leaves join "
    "pg_catalog.pg_class c "
    "on c.oid = leaves.oid";

std::string for_relation(std::string sql, const std::string& relation) {
  for (std::size_t at = sql.find("%REL%"); at != std::string::npos; at = sql.find("%REL%"))
    sql.replace(at, 5, relation);
  return sql;
}

tuple::Type read_type(const pg::Result& rows, std::size_t row, int column) {
  return {.id = rows.oid(row, column),
          .kind = rows.character(row, column + 1),
          .modifier = rows.integer_32(row, column + 2),
          .array_id = rows.oid(row, column + 3)};
}

/// The table's row, and one for each column.
tuple::Table read_table(const pg::Result& row, const pg::Result& columns) {
  tuple::Table t;
  t.id = row.oid(0, 0);
  t.schema = row.text(0, 1);
  t.name = row.text(0, 2);
  t.quoted_name = row.text(0, 3);
  t.kind = row.character(0, 4);
  t.row_security = row.boolean(0, 6);
  t.may_have_rules = row.boolean(0, 11);
  t.persistence = row.character(0, 13);
  t.is_unlogged = t.persistence == 'u';
  t.has_logged_part = !t.is_unlogged;
  t.is_foreign = t.kind == 'f';
  for (std::size_t i = 0; i < columns.rows(); ++i) {
    t.columns.push_back({.name = std::string(columns.text(i, 0)),
                         .declared = read_type(columns, i, 1),
                         .base_type = read_type(columns, i, 1),
                         .type_name = std::string(columns.text(i, 6)),
                         .cast_name = std::string(columns.text(i, 5)),
                         .number = static_cast<std::int16_t>(columns.integer_32(i, 11)),
                         .not_null = columns.boolean(i, 7),
                         .has_default = columns.boolean(i, 8),
                         .generated = columns.boolean(i, 9),
                         .identity = columns.boolean(i, 10)});
  }
  return t;
}

/// What decides how a text becomes a value. In a path that names the user's schema, it is the
/// user's.
std::map<std::string, std::string> read_reading(const pg::Result& row, std::string path,
                                                const std::string& role) {
  if (path.contains("$user")) path += " of " + role;
  std::map<std::string, std::string> reading{{"DateStyle", std::string(row.text(0, 8))},
                                             {"IntervalStyle", std::string(row.text(0, 9))},
                                             {"TimeZone", std::string(row.text(0, 7))},
                                             {"array_nulls", row.boolean(0, 10) ? "on" : "off"},
                                             {"search_path", std::move(path)}};
  static constexpr std::array<const char*, 3> lines{"timezone_abbreviations", "lc_monetary",
                                                    "xmloption"};
  std::string_view text = row.text(0, 18);
  for (const char* name : lines) {
    const std::string_view line = text.substr(0, text.find('\n'));
    reading.emplace(name, line);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return reading;
}

bool has_domain(const tuple::Table& table) {
  return std::ranges::any_of(table.columns, [](const tuple::Column& column) {
    return column.base_type.kind == tuple::Type::domain;
  });
}

/// Triggers, rules, the types under domains, and where the rows are stored.
asio::awaitable<void> describe_further(pg::Connection& on, Target& target) {
  tuple::Table& table = target.table;
  const std::string relation = std::to_string(table.id) + "::regclass";
  const auto results = co_await on.query(
      "select " + has_row_trigger(table) +
      ", c.relhasrules and exists (select from pg_catalog.pg_rewrite where ev_class = c.oid and "
      "ev_type = '3'), " +
      rules_digest(table) + " from pg_catalog.pg_class c where c.oid = " + relation + "; " +
      for_relation(domains_sql, relation) + "; " + for_relation(storage_sql, relation));
  table.has_row_trigger = results[0].boolean(0, 0);
  table.has_insert_rule = results[0].boolean(0, 1);
  table.rules = results[0].text_or(0, 2, "");
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    table.columns[i].base_type = read_type(results[1], i, 0);
    table.columns[i].cast_name = results[1].text(i, 4);
  }
  table.is_foreign = results[2].boolean(0, 0);
  table.is_unlogged = results[2].boolean(0, 1);
  table.has_logged_part = results[2].boolean(0, 2);
  const bool goes_elsewhere = table.kind == 'v' || table.has_insert_rule;
  target.has_row_security = target.has_row_security || (goes_elsewhere && results[2].boolean(0, 3));
}

Failure own_table(const std::string& table) {
  return {FailureKind::usage, "--table " + table + ": the tables of the schema pgsluice are " +
                                  "pgsluice's own; nothing can be loaded into them"};
}

asio::awaitable<pg::Results> ask_catalogs(pg::Connection& on, const std::string& table,
                                          const Settings& settings, ledger::Use use) {
  const std::string sql = "begin; " + find_target(table, settings) + pg::own_path + table_sql +
                          of_table + target_oid + "; " + columns_sql + target_oid +
                          " order by a.attnum; select " + ledger::usual_expression(use) +
                          "; commit";
  std::optional<pg::PgError> missing;
  try {
    co_return co_await on.query_in_user_path(sql);
  } catch (const pg::PgError& error) {
    if (!(error.state == sql_state::undefined_table)) throw;
    missing = error;
  }
  if (on.in_transaction()) co_await on.query("rollback");
  if (table.contains('.')) throw pg::PgError(*missing);
  const auto own = co_await on.query("select to_regclass(" + quote_literal("pgsluice." + table) +
                                     ") is not null");
  if (own.front().boolean(0, 0)) throw own_table(table);
  throw pg::PgError(*missing);
}

}  // namespace

std::string rules_digest(const tuple::Table& as_known) {
  if (!as_known.may_have_rules) return "case when c.relhasrules then 'new' else '' end";
  return fmt::format(
      "case when c.relhasrules then ({}select md5(string_agg(w.ev_action::text || w.ev_qual::text, "
      "'' order by w.oid)) from pg_catalog.pg_rewrite w where w.ev_class in (select oid from "
      "reached)) else '' end",
      reached);
}

// tgtype's bits: 1 row, 2 before, 4 insert, 64 instead of (pg_trigger.h). A partition may have
// triggers of its own.
std::string has_row_trigger(const tuple::Table& as_known) {
  const auto exists = [](const char* of_which) {
    return fmt::format(
        "exists (select from pg_catalog.pg_trigger t where not t.tgisinternal and t.tgtype & 5 = 5 "
        "and t.tgtype & 66 <> 0 and t.tgrelid {})",
        of_which);
  };
  const std::string through_rules =
      as_known.may_have_rules ? fmt::format("when c.relhasrules then ({}select {}) ", reached,
                                            exists("in (select oid from reached)"))
                              : std::string();
  const std::string otherwise =
      as_known.kind == 'p' ? exists("in (select relid from pg_catalog.pg_partition_tree(c.oid))")
                           : fmt::format("c.relhastriggers and {}", exists("= c.oid"));
  // A CASE, as it is only there that what does not count is not run.
  return fmt::format("case {}when true then {} end", through_rules, otherwise);
}

std::string set_local(const Settings& settings) {
  std::string sql;
  for (const auto& [name, value] : settings)
    if (name != search_path) sql += set_local(name, value);
  return sql;
}

std::string find_target(const std::string& table, const Settings& settings) {
  const auto path = settings.find(search_path);
  return (path == settings.end() ? "" : pg::set_local_path(path->second)) + set_local(settings) +
         leave_out_own_schema + "select pg_catalog.set_config('pgsluice.target', (" +
         quote_literal(table) + "::pg_catalog.regclass::pg_catalog.oid)::pg_catalog.text, true); ";
}

asio::awaitable<Target> describe(pg::Connection& on, std::string table, Settings settings,
                                 ledger::Use use) {
  Target target;
  target.settings_sql = set_local(settings);
  const auto results = co_await ask_catalogs(on, table, settings, use);
  const pg::Result& row = results.last(3);
  const pg::Result& rows = results.last(2);
  // In front of them: own_path, the oid, the path.
  target.user_path_sql = pg::set_local_path(results.last(6).text(0, 0));
  target.can_lock = row.boolean(0, 14);
  target.origin = row.text(0, 15);
  target.data_encoding = on.data_encoding();

  tuple::Table& t = target.table;
  t = read_table(row, rows);
  target.has_row_security = t.row_security;
  target.role = row.text(0, 16);
  target.may_select = row.boolean(0, 17);
  target.startup_options = on.startup_options();
  if (t.schema == "pgsluice") throw own_table(table);
  target.ledger =
      results.last(1).boolean(0, 0) ? ledger::State::complete : co_await ledger::ask(on, use);
  const bool is_unusual = row.boolean(0, 5) || t.kind == 'v' || has_domain(t);
  if (is_unusual) co_await describe_further(on, target);
  target.session = {.time_zone_is_utc = names_utc(row.text(0, 7)),
                    .interval_style_is_sql_standard = row.text(0, 9) == "sql_standard",
                    .array_nulls = row.boolean(0, 10),
                    .text_is_utf8 = on.text_is_checked_as_utf8()};
  // A backend that waits for a lock would not notice that its client is gone, and a cancellation
  // that comes before it waits is lost. Not every system lets a server look.
  static constexpr int version_with_check = 140000;
  const bool can_check = on.server_version() >= version_with_check && row.boolean(0, 12);
  if (can_check && !settings.contains(client_check))
    target.settings_sql += set_local(client_check, "5s");
  for (const auto& [name, value] : ledger::keepalive_settings())
    if (!settings.contains(name)) target.settings_sql += set_local(name, value);
  target.reading = read_reading(row, std::string(results.last(6).text(0, 0)), target.role);
  target.settings_sql += set_local("timezone", std::string(row.text(0, 7)));
  // DateStyle is a list; quoted as a whole it is read as one.
  target.settings_sql += set_local("datestyle", std::string(row.text(0, 8)));
  target.settings_sql += set_local("intervalstyle", std::string(row.text(0, 9)));
  target.settings_sql += set_local("array_nulls", target.session.array_nulls ? "on" : "off");
  co_return target;
}

std::string emptiness(const Target& target, Far far) {
  const tuple::Table& table = target.table;
  if (table.kind == 'v' || table.has_insert_rule) return "false";
  // There may be rows that this user does not see, and COPY needs the right to insert only.
  const bool may_look = target.may_select && !table.row_security;
  if (may_look && (!table.is_foreign || far == Far::asked))
    return "not exists (select from " + table.quoted_name + ")";
  return ledger::has_no_pages(table.id);
}

asio::awaitable<std::string> seen_empty(pg::Connection& on, const Target& target) {
  const std::string is_empty = emptiness(target, Far::asked);
  const auto results = co_await on.query(target.settings_sql + "select " + is_empty);
  co_return results.back().boolean(0, 0) ? is_empty : std::string();
}

}  // namespace sluice::writer
