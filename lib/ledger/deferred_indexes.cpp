#include "ledger/deferred_indexes.hpp"

#include <algorithm>

#include "base/columns.hpp"
#include "ledger/damaged.hpp"

namespace sluice::ledger {
namespace {

/// Between the names of a list: no name that matters has it, and one that does is not found.
constexpr char separator = '\x01';

std::vector<std::string> split(std::string_view names) {
  std::vector<std::string> list;
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(separator), names.size());
    list.emplace_back(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return list;
}

asio::awaitable<std::vector<DeferredIndex>> missing_where(pg::Connection& on, Sql where) {
  static constexpr auto at = columns_of({
      {"load_id", "d.load_id"},
      {"index_name", "d.index_name"},
      {"wide_columns", "pg_catalog.array_to_string(d.wide_columns, pg_catalog.chr(1))"},
      {"wide_bytes", "d.wide_bytes"},
  });
  const Sql ask = sql(
      "select {} from pgsluice.deferred_indexes d join pgsluice.loads l using (load_id) where {} "
      "order by d.load_id, d.index_name",
      at.list(), where);
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.front();
  std::vector<DeferredIndex> indexes;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const LoadId load{rows.integer(row, at["load_id"])};
    indexes.push_back({load, std::string(rows.text(row, at["index_name"])),
                       split(rows.text(row, at["wide_columns"])),
                       read_count(rows, row, at["wide_bytes"], load, "wide_bytes of an index")});
  }
  co_return indexes;
}

/// A row's place in the journal, as a condition.
Sql is_row_of(const DeferredIndex& index) {
  return sql("d.load_id = {} and d.index_name = {}", index.load.value, literal(index.name));
}

// The body is what is left of the definition behind a beginning of our own making. It may say
// whatever it likes: behind "create index on that table using" and sent as one statement, it can be
// nothing else.
//
// The table: by oid where the row is of this database, by its name of then in a restored dump.
constexpr auto index_columns = columns_of({
    {"definition", "d.definition"},
    {"tablespace", "d.tablespace"},
    {"target", R"(
  case when d.target_name is null then d.target_oid::pg_catalog.text
    else pg_catalog.format('%I.%I', d.target_schema, d.target_name) end)"},
    {"table", "coalesce(t.oid, 0)::pg_catalog.int8"},
    {"table_name", R"(
  case when t.oid is null then '' else pg_catalog.format('%I.%I', n.nspname, t.relname) end)"},
    {"owner", "coalesce(pg_catalog.pg_get_userbyid(t.relowner), '')"},
    {"journaled_by", "coalesce(d.journaled_by, '')"},
    {"is_trusted", R"(
  coalesce((select pg_catalog.pg_has_role(j.oid, t.relowner, 'usage') from pg_catalog.pg_roles j
    where j.rolname = d.journaled_by), false))"},
    {"may_become_owner", "coalesce(pg_catalog.pg_has_role(t.relowner, {}), false)"},
    {"there", R"(
  case when there.oid is null then 'nothing'
    when i.indrelid is distinct from t.oid or not i.indisvalid then 'something_else'
    when pg_catalog.pg_get_indexdef(there.oid) = b.beginning || b.body then 'the_index'
    else 'another_index' end)"},
    {"beginning", "b.beginning"},
    {"body", "b.body"},
    {"alterations", R"(
  case when d.name is null or t.oid is null then '' else
    case when d.description is null then ''
      else pg_catalog.format('comment on index %I.%I is %L; ', n.nspname, d.name, d.description) end ||
    coalesce((select pg_catalog.string_agg(pg_catalog.format('alter index %I.%I alter column %s set statistics %s; ',
        n.nspname, d.name, pg_catalog.split_part(s, ':', 1)::pg_catalog.int4,
        pg_catalog.split_part(s, ':', 2)::pg_catalog.int4), '')
      from pg_catalog.unnest(pg_catalog.string_to_array(d.statistics, ' ')) s), '') ||
    case when d.is_clustered
      then pg_catalog.format('alter table %I.%I cluster on %I; ', n.nspname, t.relname, d.name) else '' end ||
    coalesce((select pg_catalog.string_agg(pg_catalog.format('alter index %I.%I depends on extension %I; ',
        n.nspname, d.name, e), '') from pg_catalog.unnest(d.extensions) e), '') end)"},
    {"owner_has_our_rights",
     "coalesce(pg_catalog.pg_has_role(t.relowner, session_user, 'usage'), false)"},
});

Sql entry_query(const DeferredIndex& index, const Sql& as_owner) {
  return sql(R"(
select {}
from pgsluice.deferred_indexes d
left join lateral (
  select c.* from pg_catalog.pg_class c join pg_catalog.pg_namespace s on s.oid = c.relnamespace
  where c.relkind in ('r', 'm') and case when d.origin = {} then c.oid = d.target_oid
    else s.nspname = d.target_schema and c.relname = d.target_name end) t on true
left join pg_catalog.pg_namespace n on n.oid = t.relnamespace
cross join lateral (
  select case when d.name is not null and d.target_schema is not null and d.target_name is not null
    then pg_catalog.format('CREATE INDEX %I ON %I.%I ', d.name, d.target_schema, d.target_name) end,
  case when d.name is not null and t.oid is not null
    then pg_catalog.format('CREATE INDEX %I ON %I.%I ', d.name, n.nspname, t.relname) end) said (before, beginning)
cross join lateral (select case when pg_catalog.starts_with(d.definition, said.before || 'USING ')
  then pg_catalog.substr(d.definition, pg_catalog.length(said.before) + 1) end, said.beginning) b (body, beginning)
left join lateral (
  select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace s on s.oid = c.relnamespace
  where case when d.name is null then pg_catalog.format('%I.%I', s.nspname, c.relname) = d.index_name
    else c.relname = d.name and s.oid = n.oid end) there on true
left join pg_catalog.pg_index i on i.indexrelid = there.oid
where {} for update of d)",
             index_columns.list(as_owner), origin_expression(), is_row_of(index));
}

JournalEntry::There there_of(std::string_view text) {
  if (text == "nothing") return JournalEntry::There::nothing;
  if (text == "the_index") return JournalEntry::There::the_index;
  return text == "another_index" ? JournalEntry::There::another_index
                                 : JournalEntry::There::something_else;
}

/// Of a row of the journal, which is there.
JournalEntry read_entry(const pg::Result& row) {
  static constexpr auto& at = index_columns;
  const auto text = [&row](int column) { return std::string(row.text(0, column)); };
  JournalEntry entry;
  entry.definition = text(at["definition"]);
  entry.tablespace = text(at["tablespace"]);
  entry.target = text(at["target"]);
  entry.table = row.oid(0, at["table"]);
  entry.table_name = text(at["table_name"]);
  entry.owner = text(at["owner"]);
  entry.journaled_by = text(at["journaled_by"]);
  entry.is_trusted = row.boolean(0, at["is_trusted"]);
  entry.may_become_owner = row.boolean(0, at["may_become_owner"]);
  entry.there = there_of(row.text(0, at["there"]));
  entry.owner_has_our_rights = row.boolean(0, at["owner_has_our_rights"]);
  if (!row.is_null(0, at["beginning"]) && !row.is_null(0, at["body"])) {
    entry.body = text(at["body"]);
    entry.statement = text(at["beginning"]) + entry.body;
    // Of the server's making: format() has quoted what the row says.
    entry.alterations = Sql::trusted(text(at["alterations"]));
  }
  return entry;
}

}  // namespace

Sql origin_expression() {
  return sql(
      "((select system_identifier::pg_catalog.text from pg_catalog.pg_control_system()) || ':' || "
      "(select oid::pg_catalog.text from pg_catalog.pg_database where datname = "
      "pg_catalog.current_database()))");
}

Sql defer_statements(const Sql& load, std::uint32_t target_oid, const IndexDefinition& index) {
  // Of a load that goes on somebody may have made it again, or another one of its name: it is what
  // is there that is dropped, and built again.
  return sql(
      "insert into pgsluice.deferred_indexes (load_id, target_oid, origin, index_name, name, "
      "target_schema, target_name, definition, tablespace, statistics, extensions, description, "
      "is_clustered, wide_columns, wide_bytes) values ({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, "
      "{}, {}, {}, {}) on conflict (load_id, index_name) do update set target_oid = "
      "excluded.target_oid, "
      "origin = excluded.origin, name = excluded.name, target_schema = excluded.target_schema, "
      "target_name = excluded.target_name, definition = excluded.definition, tablespace = "
      "excluded.tablespace, statistics = excluded.statistics, extensions = excluded.extensions, "
      "description = excluded.description, is_clustered = excluded.is_clustered, wide_columns = "
      "excluded.wide_columns, wide_bytes = excluded.wide_bytes, journaled_by = "
      "excluded.journaled_by; drop index {}; ",
      load, target_oid, origin_expression(), literal(index.index_name), literal(index.name),
      literal(index.target_schema), literal(index.target_name), literal(index.statement),
      literal(index.tablespace), literal(index.statistics), literal(index.extensions),
      literal_or_null(index.description.has_value(), index.description.value_or("")),
      index.is_clustered, sql_array(index.wide_columns), index.wide_bytes,
      // The server has quoted it, from its catalogs.
      Sql::trusted(index.index_name));
}

asio::awaitable<std::vector<DeferredIndex>> missing_indexes(pg::Connection& on, LoadId load) {
  return missing_where(on, sql("d.load_id = {}", load.value));
}

asio::awaitable<std::vector<DeferredIndex>> missing_indexes(pg::Connection& on, TargetTable table,
                                                            LoadId load) {
  return missing_where(
      on,
      sql("case when d.origin = {} then d.target_oid = {} else d.target_schema = {} and "
          "d.target_name = {} end and (d.load_id = {} or l.state <> 'unfinished')",
          origin_expression(), table.oid, literal(table.schema), literal(table.name), load.value));
}

asio::awaitable<std::optional<JournalEntry>> lock_entry(pg::Connection& on, DeferredIndex index) {
  static constexpr int version_with_set_option = 160000;
  const bool has_set = on.server_version() >= version_with_set_option;
  const Sql ask = entry_query(index, has_set ? sql("'set'") : sql("'member'"));
  const auto results = co_await on.query(ask);
  const pg::Result& row = results.back();
  if (row.rows() == 0) co_return std::nullopt;
  co_return read_entry(row);
}

Sql strike_statement(const DeferredIndex& index) {
  return sql("delete from pgsluice.deferred_indexes d where {}", is_row_of(index));
}

}  // namespace sluice::ledger
