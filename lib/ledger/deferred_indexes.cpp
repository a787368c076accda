#include "ledger/deferred_indexes.hpp"

#include <algorithm>

#include "base/identifier.hpp"
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

asio::awaitable<std::vector<DeferredIndex>> missing_where(pg::Connection& on, std::string where) {
  const auto results = co_await on.query(
      "select d.load_id, d.index_name, pg_catalog.array_to_string(d.wide_columns, "
      "pg_catalog.chr(1)), d.wide_bytes from pgsluice.deferred_indexes d "
      "join pgsluice.loads l using (load_id) where " +
      where + " order by d.load_id, d.index_name");
  const pg::Result& rows = results.front();
  std::vector<DeferredIndex> indexes;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const LoadId load{rows.integer(row, 0)};
    indexes.push_back({load, std::string(rows.text(row, 1)), split(rows.text(row, 2)),
                       read_count(rows, row, 3, load, "wide_bytes of an index")});
  }
  co_return indexes;
}

/// A row's place in the journal, as a condition.
std::string is_row_of(const DeferredIndex& index) {
  return "d.load_id = " + std::to_string(index.load.value) +
         " and d.index_name = " + quote_literal(index.name);
}

std::string array_of(const std::vector<std::string>& texts) {
  std::string sql;
  for (const std::string& text : texts) sql += (sql.empty() ? "" : ", ") + quote_literal(text);
  return "array[" + sql + "]::pg_catalog.text[]";
}

// The body is what is left of the definition behind a beginning of our own making. It may say
// whatever it likes: behind "create index on that table using" and sent as one statement, it can be
// nothing else.
//
// The table: by oid where the row is of this database, by its name of then in a restored dump.
std::string entry_query(const DeferredIndex& index, const std::string& as_owner) {
  return R"(
select d.definition, d.tablespace,
  case when d.target_name is null then d.target_oid::pg_catalog.text
    else pg_catalog.format('%I.%I', d.target_schema, d.target_name) end,
  coalesce(t.oid, 0)::pg_catalog.int8, case when t.oid is null then '' else pg_catalog.format('%I.%I', n.nspname, t.relname) end,
  coalesce(pg_catalog.pg_get_userbyid(t.relowner), ''), coalesce(d.journaled_by, ''),
  coalesce((select pg_catalog.pg_has_role(j.oid, t.relowner, 'usage') from pg_catalog.pg_roles j
    where j.rolname = d.journaled_by), false),
  coalesce(pg_catalog.pg_has_role(t.relowner, ')" +
         as_owner + R"('), false),
  case when there.oid is null then 'nothing' when i.indrelid is distinct from t.oid or not i.indisvalid then 'something_else'
    when pg_catalog.pg_get_indexdef(there.oid) = b.beginning || b.body then 'the_index'
    else 'another_index' end,
  b.beginning, b.body,
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
        n.nspname, d.name, e), '') from pg_catalog.unnest(d.extensions) e), '') end,
  coalesce(pg_catalog.pg_has_role(t.relowner, session_user, 'usage'), false)
from pgsluice.deferred_indexes d
left join lateral (
  select c.* from pg_catalog.pg_class c join pg_catalog.pg_namespace s on s.oid = c.relnamespace
  where c.relkind in ('r', 'm') and case when d.origin = )" +
         origin_expression() + R"( then c.oid = d.target_oid
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
where )" +
         is_row_of(index) + " for update of d";
}

JournalEntry::There there_of(std::string_view text) {
  if (text == "nothing") return JournalEntry::There::nothing;
  if (text == "the_index") return JournalEntry::There::the_index;
  return text == "another_index" ? JournalEntry::There::another_index
                                 : JournalEntry::There::something_else;
}

}  // namespace

std::string origin_expression() {
  return "((select system_identifier::pg_catalog.text from pg_catalog.pg_control_system()) || ':' "
         "|| (select oid::pg_catalog.text from pg_catalog.pg_database where datname = "
         "pg_catalog.current_database()))";
}

std::string defer_statements(const std::string& load, std::uint32_t target_oid,
                             const IndexDefinition& index) {
  return "insert into pgsluice.deferred_indexes (load_id, target_oid, origin, index_name, name, "
         "target_schema, target_name, definition, tablespace, statistics, "
         "extensions, description, is_clustered, wide_columns, wide_bytes) values (" +
         load + ", " + std::to_string(target_oid) + ", " + origin_expression() + ", " +
         quote_literal(index.index_name) + ", " + quote_literal(index.name) + ", " +
         quote_literal(index.target_schema) + ", " + quote_literal(index.target_name) + ", " +
         quote_literal(index.statement) + ", " + quote_literal(index.tablespace) + ", " +
         quote_literal(index.statistics) + ", " + quote_literal(index.extensions) + ", " +
         (index.description ? quote_literal(*index.description) : "null") + ", " +
         (index.is_clustered ? "true" : "false") + ", " + array_of(index.wide_columns) + ", " +
         std::to_string(index.wide_bytes) + "); drop index " + index.index_name + "; ";
}

asio::awaitable<std::vector<DeferredIndex>> missing_indexes(pg::Connection& on, LoadId load) {
  return missing_where(on, "d.load_id = " + std::to_string(load.value));
}

asio::awaitable<std::vector<DeferredIndex>> missing_indexes(pg::Connection& on, TargetTable table,
                                                            LoadId load) {
  return missing_where(on, "case when d.origin = " + origin_expression() +
                               " then d.target_oid = " + std::to_string(table.oid) +
                               " else d.target_schema = " + quote_literal(table.schema) +
                               " and d.target_name = " + quote_literal(table.name) +
                               " end and (d.load_id = " + std::to_string(load.value) +
                               " or l.state <> 'unfinished')");
}

asio::awaitable<std::optional<JournalEntry>> lock_entry(pg::Connection& on, DeferredIndex index) {
  static constexpr int version_with_set_option = 160000;
  const char* const as_owner = on.server_version() >= version_with_set_option ? "set" : "member";
  const auto results = co_await on.query(entry_query(index, as_owner));
  const pg::Result& row = results.back();
  if (row.rows() == 0) co_return std::nullopt;
  const auto text = [&row](int column) { return std::string(row.text(0, column)); };
  JournalEntry entry;
  entry.definition = text(0);
  entry.tablespace = text(1);
  entry.target = text(2);
  entry.table = row.oid(0, 3);
  entry.table_name = text(4);
  entry.owner = text(5);
  entry.journaled_by = text(6);
  entry.is_trusted = row.boolean(0, 7);
  entry.may_become_owner = row.boolean(0, 8);
  entry.there = there_of(row.text(0, 9));
  entry.owner_has_our_rights = row.boolean(0, 13);
  if (!row.is_null(0, 10) && !row.is_null(0, 11)) {
    entry.body = text(11);
    entry.statement = text(10) + entry.body;
    entry.alterations = text(12);
  }
  co_return entry;
}

std::string strike_statement(const DeferredIndex& index) {
  return "delete from pgsluice.deferred_indexes d where " + is_row_of(index);
}

}  // namespace sluice::ledger
