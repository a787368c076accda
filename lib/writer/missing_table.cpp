#include "writer/missing_table.hpp"

#include <algorithm>
#include <vector>

#include "base/columns.hpp"
#include "base/suggestion.hpp"

namespace sluice::writer {
namespace {

struct Known {
  std::string schema;
  std::string name;
  std::string shown;  ///< as in SQL, with its schema
  bool is_in_path = false;
};

constexpr auto named_columns = columns_of({
    {"schema", "n.nspname"},
    {"name", "c.relname"},
    {"shown", "pg_catalog.format('%I.%I', n.nspname, c.relname)"},
    {"is_in_path", "n.nspname operator(pg_catalog.=) any (pg_catalog.current_schemas(false))"},
});

/// What can be loaded, and is no catalog's nor ours.
Sql tables_query() {
  return sql(
      "select {} from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid "
      "operator(pg_catalog.=) c.relnamespace where c.relkind in ('r', 'p', 'v', 'f') and n.nspname "
      "operator(pg_catalog.!~) '^(pg_.*|information_schema|pgsluice)$' order by 1, 2 limit 10000",
      named_columns.list());
}

std::vector<Known> read_tables(const pg::Result& rows) {
  std::vector<Known> tables;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    tables.push_back({std::string(rows.text(row, named_columns["schema"])),
                      std::string(rows.text(row, named_columns["name"])),
                      std::string(rows.text(row, named_columns["shown"])),
                      rows.boolean(row, named_columns["is_in_path"])});
  }
  return tables;
}

std::string asked(const Known& table) {
  return "Did you mean " +
         (table.is_in_path && !table.schema.contains('.')
              ? table.shown.substr(table.shown.find('.') + 1)
              : table.shown) +
         "?";
}

/// The most likely one of these; those in the path come first.
std::string most_likely(std::vector<Known> tables, const std::string& name) {
  std::ranges::stable_sort(tables, std::ranges::greater(), &Known::is_in_path);
  std::vector<std::string> names;
  for (const Known& table : tables) names.push_back(table.name);
  const auto meant = nearest(name, names);
  if (!meant) return {};
  const auto at = std::ranges::find(names, *meant) - names.begin();
  return asked(tables[static_cast<std::size_t>(at)]);
}

std::string likely(const std::vector<Known>& tables, const std::string& schema,
                   const std::string& name) {
  if (schema.empty()) return most_likely(tables, name);
  std::vector<Known> inside;
  std::ranges::copy_if(tables, std::back_inserter(inside),
                       [&](const Known& table) { return table.schema == schema; });
  for (Known& table : inside) table.is_in_path = false;
  if (std::string found = most_likely(inside, name); !found.empty()) return found;
  // Another schema has it.
  for (const Known& table : tables)
    if (table.name == name) return "Did you mean " + table.shown + "?";
  std::vector<std::string> schemas;
  for (const Known& table : tables) schemas.push_back(table.schema);
  const auto meant = nearest(schema, schemas);
  return meant && *meant != schema ? "Did you mean the schema " + *meant + "?" : "";
}

}  // namespace

Sql oid_of_table(const std::string& table) {
  // Not by regclass, which wants the right to the schema.
  return sql(
      "(select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = "
      "c.relnamespace, parse_ident({}, false) p where c.relname = p[array_length(p, 1)] and case "
      "when array_length(p, 1) > 1 then n.nspname = p[array_length(p, 1) - 1] else n.nspname = any "
      "(select unnest(string_to_array(replace(reset_val, '\"$user\"', current_user), ', ')) from "
      "pg_catalog.pg_settings where name = 'search_path') end order by c.oid limit 1)",
      literal(table));
}

asio::awaitable<std::string> likely_table(pg::Connection& on, std::string table) {
  static constexpr auto parts = columns_of({
      {"name", "p[array_length(p, 1)]"},
      {"schema", "case when array_length(p, 1) > 1 then p[array_length(p, 1) - 1] else '' end"},
  });
  const Sql ask_tables = tables_query();
  const Sql ask_parts =
      sql("select {} from parse_ident({}, false) p", parts.list(), literal(table));
  const auto tables = co_await on.query_in_user_path(ask_tables);
  const auto answer = co_await on.query(ask_parts);
  const pg::Result& row = answer.back();
  co_return likely(read_tables(tables.back()), std::string(row.text(0, parts["schema"])),
                   std::string(row.text(0, parts["name"])));
}

asio::awaitable<bool> can_be_made(pg::Connection& on, std::string table) {
  const Sql ask = sql(
      "select {} is null and case when array_length(p, 1) > 1 then exists (select from "
      "pg_catalog.pg_namespace n where n.nspname = p[array_length(p, 1) - 1]) else true end from "
      "parse_ident({}, false) p",
      oid_of_table(table), literal(table));
  const auto answer = co_await on.query(ask);
  co_return answer.back().boolean(0, 0);
}

}  // namespace sluice::writer
