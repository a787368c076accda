#include "writer/catalog.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/identifier.hpp"
#include "ledger/ledger.hpp"
#include "ledger/run_lock.hpp"

namespace sluice::writer {
namespace {

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

// One round trip for the usual table: what few tables have is asked for where this says so.
constexpr const char* table_sql =
    "select c.oid::bigint, n.nspname, c.relname, format('%I.%I', n.nspname, c.relname), c.relkind, "
    "c.relhastriggers or c.relkind = 'p', row_security_active(c.oid), "
    "current_setting('TimeZone'), current_setting('DateStyle'), current_setting('IntervalStyle'), "
    "current_setting('array_nulls')::boolean, "
    "c.relhasrules and exists (select from pg_rewrite where ev_class = c.oid and ev_type = '3'), "
    "version() like '%linux%' "
    "from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = ";

constexpr const char* columns_sql =
    "select a.attname, a.atttypid::bigint, t.typtype, a.atttypmod, t.typarray::bigint, "
    "format_type(a.atttypid, -1), format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef, "
    "a.attgenerated <> '', a.attidentity <> '' "
    "from pg_attribute a join pg_type t on t.oid = a.atttypid "
    "where a.attnum > 0 and not a.attisdropped and a.attrelid = ";

// tgtype's bits: 1 row, 2 before, 4 insert, 64 instead of (pg_trigger.h). A partition may have
// triggers of its own.
constexpr const char* row_trigger_sql =
    "select exists (select from pg_trigger where not tgisinternal and tgtype & 5 = 5 and "
    "tgtype & 66 <> 0 and (tgrelid = %REL% or tgrelid in (select relid from "
    "pg_partition_tree(%REL%))))";

// A domain's values are stored, sent and received as those of the type underneath.
constexpr const char* domains_sql =
    "with recursive types (attnum, type, modifier) as ("
    "select attnum, atttypid, atttypmod from pg_attribute where attrelid = %REL% and attnum > 0 "
    "and not attisdropped "
    "union all select attnum, typbasetype, typtypmod from types join pg_type on pg_type.oid = type "
    "where typtype = 'd') "
    "select types.type::bigint, t.typtype, types.modifier, t.typarray::bigint, "
    "format_type(types.type, -1) "
    "from types join pg_type t on t.oid = types.type and t.typtype <> 'd' order by types.attnum";

std::string for_relation(std::string sql, const std::string& relation) {
  for (std::size_t at = sql.find("%REL%"); at != std::string::npos; at = sql.find("%REL%"))
    sql.replace(at, 5, relation);
  return sql;
}

tuple::Type read_type(const pg::Result& rows, std::size_t row, int column) {
  return {.id = static_cast<std::uint32_t>(rows.integer(row, column)),
          .kind = rows.text(row, column + 1).front(),
          .modifier = static_cast<std::int32_t>(rows.integer(row, column + 2)),
          .array_id = static_cast<std::uint32_t>(rows.integer(row, column + 3))};
}

/// Triggers, and the types under domains.
asio::awaitable<void> describe_further(pg::Connection& on, tuple::Table& table) {
  const std::string relation = std::to_string(table.id) + "::regclass";
  const auto results = co_await on.query(for_relation(row_trigger_sql, relation) + "; " +
                                         for_relation(domains_sql, relation));
  table.has_row_trigger = results[0].boolean(0, 0);
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    table.columns[i].base_type = read_type(results[1], i, 0);
    table.columns[i].cast_name = results[1].text(i, 4);
  }
}

}  // namespace

std::string set_local(const Settings& settings) {
  std::string sql;
  for (const auto& [name, value] : settings) sql += set_local(name, value);
  return sql;
}

asio::awaitable<Target> describe(pg::Connection& on, std::string table, Settings settings) {
  Target target;
  target.settings_sql = set_local(settings);
  const std::string relation = quote_literal(table) + "::regclass";
  const auto results = co_await on.query(
      "begin; " + target.settings_sql + table_sql + relation + "; " + columns_sql + relation +
      " order by a.attnum; select " + ledger::state_expression(ledger::Use::load) + "; commit");
  const pg::Result& row = results[results.size() - 4];
  const pg::Result& rows = results[results.size() - 3];
  target.ledger = ledger::state_of(results[results.size() - 2].text(0, 0));

  tuple::Table& t = target.table;
  t.id = static_cast<std::uint32_t>(row.integer(0, 0));
  t.schema = row.text(0, 1);
  t.name = row.text(0, 2);
  t.quoted_name = row.text(0, 3);
  t.kind = row.text(0, 4).front();
  t.row_security = row.boolean(0, 6);
  t.has_insert_rule = row.boolean(0, 11);
  bool is_unusual = row.boolean(0, 5);
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    t.columns.push_back({.name = std::string(rows.text(i, 0)),
                         .base_type = read_type(rows, i, 1),
                         .type_name = std::string(rows.text(i, 6)),
                         .cast_name = std::string(rows.text(i, 5)),
                         .not_null = rows.boolean(i, 7),
                         .has_default = rows.boolean(i, 8),
                         .generated = rows.boolean(i, 9),
                         .identity = rows.boolean(i, 10)});
    is_unusual = is_unusual || t.columns.back().base_type.kind == tuple::Type::domain;
  }
  if (is_unusual) co_await describe_further(on, t);
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
  target.settings_sql += set_local("timezone", std::string(row.text(0, 7)));
  // DateStyle is a list; quoted as a whole it is read as one.
  target.settings_sql += set_local("datestyle", std::string(row.text(0, 8)));
  target.settings_sql += set_local("intervalstyle", std::string(row.text(0, 9)));
  target.settings_sql += set_local("array_nulls", target.session.array_nulls ? "on" : "off");
  co_return target;
}

asio::awaitable<bool> is_empty(pg::Connection& on, const tuple::Table& table) {
  try {
    const auto results =
        co_await on.query("select not exists (select from " + table.quoted_name + ")");
    co_return results.front().boolean(0, 0);
  } catch (const pg::PgError& error) {
    // COPY needs the right to insert only.
    if (!(error.state == sql_state::insufficient_privilege)) throw;
  }
  co_return false;
}

}  // namespace sluice::writer
