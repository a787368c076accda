#include "migrate/their_history.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/columns.hpp"
#include "base/failure.hpp"
#include "base/sql_state.hpp"

namespace sluice::migrate {
namespace {

using script::Tool;

/// Nobody has so many migrations.
constexpr std::size_t rows_max = 100'000;

Sql name_of_table(const TheirTable& table) {
  return sql("{}.{}", identifier(table.schema), identifier(table.name));
}

std::string shown(const TheirTable& table) { return table.schema + "." + table.name; }

constexpr auto candidate_columns = columns_of({
    {"schema", "n.nspname"},
    {"name", "c.relname"},
    {"is_dirty_kept",
     "exists (select from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attname = "
     "'dirty' and not a.attisdropped)"},
    {"is_of_rails",
     "exists (select from pg_catalog.pg_class o where o.relnamespace = c.relnamespace and "
     "o.relname = 'ar_internal_metadata')"},
    {"is_of_sqitch",
     "(select count(*) = 2 from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attname "
     "in ('change_id', 'script_hash') and not a.attisdropped)"},
});

std::optional<Tool> tool_of(const script::Row& row) {
  static constexpr auto& at = candidate_columns;
  const std::string& name = row[at["name"]];
  if (name == "flyway_schema_history") return Tool::flyway;
  if (name == "goose_db_version") return Tool::goose;
  if (name == "_sqlx_migrations") return Tool::sqlx;
  if (name == "gorp_migrations") return Tool::sql_migrate;
  if (name == "pgmigrations") return Tool::node_pg_migrate;
  if (name == "alembic_version") return Tool::alembic;
  if (name == "changes")
    return row[at["is_of_sqitch"]] == "t" ? std::optional(Tool::sqitch) : std::nullopt;
  if (row[at["is_dirty_kept"]] == "t") return Tool::golang_migrate;
  return row[at["is_of_rails"]] == "t" ? Tool::rails : Tool::dbmate;
}

TheirTable named_table(Session& session, const TheirWish& wish) {
  const std::size_t dot = wish.table.find('.');
  TheirTable table{.tool = *wish.from,
                   .schema = dot == std::string::npos ? "public" : wish.table.substr(0, dot),
                   .name = dot == std::string::npos ? wish.table : wish.table.substr(dot + 1)};
  const bool is_there = session.is_true(
      sql("select exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on "
          "n.oid = c.relnamespace where n.nspname = {} and c.relname = {})",
          literal(table.schema), literal(table.name)));
  if (is_there) return table;
  throw Failure(FailureKind::usage,
                "--table " + wish.table + ": there is no table " + shown(table));
}

/// A column that is read, and what it is called there; what is asked of it has one hole, for it.
struct TheirColumns {
  std::vector<std::string> names;
  Sql list;  ///< rank, version, file, checksum, applied_at, kind, is_good
};

TheirColumns columns_of_tool(Tool tool) {
  switch (tool) {
    case Tool::flyway:
      return {
          {"installed_rank", "version", "script", "checksum", "installed_on", "type", "success"},
          sql("installed_rank::pg_catalog.text, version::pg_catalog.text, "
              "script::pg_catalog.text, checksum::pg_catalog.text, "
              "installed_on::pg_catalog.timestamptz::pg_catalog.text, type::pg_catalog.text, "
              "success::pg_catalog.text")};
    case Tool::goose:
      return {{"id", "version_id", "is_applied", "tstamp"},
              sql("id::pg_catalog.text, version_id::pg_catalog.text, '', '', "
                  "tstamp::pg_catalog.timestamptz::pg_catalog.text, case when is_applied then '' "
                  "else 'UNDO' end, 'true'")};
    case Tool::golang_migrate:
      return {{"version", "dirty"},
              sql("'0', version::pg_catalog.text, '', '', '', '', (not dirty)::pg_catalog.text")};
    case Tool::sqlx:
      return {{"version", "checksum", "installed_on", "success"},
              sql("version::pg_catalog.text, version::pg_catalog.text, '', "
                  "pg_catalog.encode(checksum, 'hex'), "
                  "installed_on::pg_catalog.timestamptz::pg_catalog.text, '', "
                  "success::pg_catalog.text")};
    case Tool::sql_migrate:
      return {{"id", "applied_at"},
              sql("'0', '', id::pg_catalog.text, '', "
                  "applied_at::pg_catalog.timestamptz::pg_catalog.text, '', 'true'")};
    case Tool::node_pg_migrate:
      return {{"id", "name", "run_on"},
              sql("id::pg_catalog.text, '', name::pg_catalog.text, '', "
                  "run_on::pg_catalog.timestamptz::pg_catalog.text, '', 'true'")};
    case Tool::sqitch:
      return {{"change", "committed_at"},
              sql("pg_catalog.trunc(extract(epoch from "
                  "committed_at))::pg_catalog.int8::pg_catalog.text, change::pg_catalog.text, '', "
                  "'', committed_at::pg_catalog.timestamptz::pg_catalog.text, '', 'true'")};
    case Tool::alembic:
      return {{"version_num"}, sql("'0', version_num::pg_catalog.text, '', '', '', '', 'true'")};
    case Tool::dbmate:
    case Tool::rails: break;
  }
  return {{"version"}, sql("'0', version::pg_catalog.text, '', '', '', '', 'true'")};
}

constexpr auto fact_columns = columns_of({
    {"is_table", "c.relkind = 'r' and not c.relhasrules and not c.relispartition"},
    {"is_filtered", "c.relrowsecurity"},
    {"owner", "pg_catalog.pg_get_userbyid(c.relowner)"},
    {"schema_owner", "pg_catalog.pg_get_userbyid(n.nspowner)"},
    {"writers",
     "coalesce((select pg_catalog.string_agg(distinct case a.grantee when 0 then 'everybody' else "
     "a.grantee::regrole::text end, ', ') from (select x.grantee, x.privilege_type from "
     "pg_catalog.aclexplode(c.relacl) x union all select x.grantee, x.privilege_type from "
     "pg_catalog.pg_attribute b cross join pg_catalog.aclexplode(b.attacl) x where b.attrelid = "
     "c.oid) a where a.privilege_type in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') and a.grantee "
     "<> c.relowner and not exists (select from pg_catalog.pg_roles r where r.oid = a.grantee and "
     "(pg_catalog.pg_has_role(r.oid, current_user, 'usage') or r.rolname in ({}, "
     "'pg_database_owner') or r.oid = (select datdba from pg_catalog.pg_database where datname = "
     "current_database())))), '')"},
    {"plain_columns",
     "(select count(*)::text from pg_catalog.pg_attribute a join pg_catalog.pg_type y on y.oid = "
     "a.atttypid where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attname = "
     "any ({}) and y.typnamespace = 'pg_catalog'::regnamespace and y.typtype = 'b')"},
});

/// A superuser, the database's owner, this user, or who is named.
bool is_trusted(Session& session, const std::string& role, const TheirWish& wish) {
  if (!wish.owner.empty() && role == wish.owner) return true;
  return session.is_true(sql(
      "select exists (select from pg_catalog.pg_roles r where r.rolname = {} and (r.rolsuper or "
      "r.rolname in (current_user, 'pg_database_owner') or r.oid = (select datdba from "
      "pg_catalog.pg_database where datname = current_database())))",
      literal(role)));
}

void require_no_writers(const TheirTable& table, const std::string& writers,
                        const std::string& what) {
  if (writers.empty()) return;
  throw Failure(
      FailureKind::failed,
      what + " can be written by others, who could have written anything into it: " + writers,
      "Look at its rows, and take that away: revoke insert, update, delete, truncate on " +
          name_of_table(table).text() + " from " + (writers == "everybody" ? "public" : writers) +
          ". One of them that migrates may stay: --owner ROLE.");
}

void require_trusted(Session& session, const TheirTable& table, const TheirWish& wish,
                     const std::vector<std::string>& columns) {
  static constexpr auto& at = fact_columns;
  const script::Rows facts = session.query(
      sql("select {} from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = "
          "c.relnamespace where n.nspname = {} and c.relname = {}",
          at.list(literal(wish.owner), sql_array(columns)), literal(table.schema),
          literal(table.name)));
  const script::Row& row = facts.front();
  const std::string what =
      shown(table) + ", where the history of " + std::string(name_of(table.tool)) + " would be,";
  if (row[at["is_table"]] != "t") {
    throw Failure(
        FailureKind::failed,
        what + " is no plain table: reading it could run anything as you, and was not done");
  }
  if (row.count(at["plain_columns"]) != columns.size()) {
    std::string all;
    for (const std::string& column : columns) all += (all.empty() ? "" : ", ") + column;
    throw Failure(
        FailureKind::failed,
        what + " does not have the columns that it has there, of types of PostgreSQL: " + all,
        "If it is another tool's, say which one: --from TOOL.");
  }
  for (const char* const whose : {"table", "schema"}) {
    const bool is_table = whose == std::string_view("table");
    const std::string& owner = row[is_table ? at["owner"] : at["schema_owner"]];
    if (is_trusted(session, owner, wish)) continue;
    throw Failure(FailureKind::failed,
                  what + (is_table ? " belongs to " : " lies in a schema of ") + "\"" + owner +
                      "\"" +
                      ", who is neither you, nor the database's owner, nor a superuser, and could "
                      "have written anything into it",
                  "If that role is the one that migrates, say so: --owner " + owner + ".");
  }
  require_no_writers(table, row[at["writers"]], what);
  if (row[at["is_filtered"]] != "t") return;
  throw Failure(FailureKind::failed,
                what +
                    " has row-level security: reading it could run anything as you, and give not "
                    "all rows; it was not done",
                "Its owner can take it off: alter table " + name_of_table(table).text() +
                    " disable row level security;");
}

}  // namespace

std::vector<TheirTable> their_tables(Session& session) {
  std::vector<TheirTable> found;
  const script::Rows rows = session.query(
      sql("select {} from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = "
          "c.relnamespace where c.relname in ('flyway_schema_history', 'goose_db_version', "
          "'schema_migrations', '_sqlx_migrations', 'gorp_migrations', 'pgmigrations', 'changes', "
          "'alembic_version') and c.relkind in ('r', 'p', 'v', 'm', 'f') order by n.nspname, "
          "c.relname",
          candidate_columns.list()));
  for (const script::Row& row : rows) {
    const auto tool = tool_of(row);
    if (tool)
      found.push_back({*tool, row[candidate_columns["schema"]], row[candidate_columns["name"]]});
  }
  return found;
}

TheirTable find_their_table(Session& session, const TheirWish& wish) {
  if (!wish.table.empty()) {
    if (!wish.from) throw Failure(FailureKind::usage, "--table needs --from TOOL: whose it is");
    return named_table(session, wish);
  }
  std::vector<TheirTable> found = their_tables(session);
  if (wish.from)
    std::erase_if(found, [&](const TheirTable& table) { return table.tool != *wish.from; });
  if (found.size() == 1) return found.front();
  std::string all;
  for (const TheirTable& table : found)
    all += "\n  " + shown(table) + " of " + std::string(name_of(table.tool));
  if (found.empty()) {
    throw Failure(FailureKind::usage,
                  "no history of " +
                      (wish.from ? std::string(name_of(*wish.from)) : "a tool that is known here") +
                      " is in this database",
                  "If its table has another name: --from TOOL --table SCHEMA.TABLE.");
  }
  throw Failure(FailureKind::usage, "this database has several histories:" + all,
                "Say which one: --from TOOL, or --from TOOL --table SCHEMA.TABLE.");
}

std::vector<script::TheirRow> read_their_rows(Session& session, const TheirTable& table,
                                              const TheirWish& wish, bool against_writes) {
  const TheirColumns columns = columns_of_tool(table.tool);
  try {
    // Whoever may only read may only lock as a reader does.
    const bool may_hold = session.is_true(
        sql("select pg_catalog.has_table_privilege(pg_catalog.format('%I.%I', {}, {}), 'update')",
            literal(table.schema), literal(table.name)));
    session.query(sql("lock table {} in {} mode", name_of_table(table),
                      against_writes && may_hold ? SqlWords("share") : SqlWords("access share")));
  } catch (const SqlError& error) {
    if (error.is_lost()) throw;
    throw Failure(FailureKind::failed, shown(table) + ": " + error.primary());
  }
  require_trusted(session, table, wish, columns.names);
  const script::Rows answer = session.query(
      sql("select {} from only {} limit {}", columns.list, name_of_table(table), rows_max + 1));
  if (answer.size() > rows_max)
    throw Failure(FailureKind::failed, shown(table) + ": has too many rows for a history");
  std::vector<std::pair<std::uint64_t, script::TheirRow>> ranked;
  for (const script::Row& row : answer) {
    ranked.emplace_back(row.count(0), script::TheirRow{.version = row[1],
                                                       .file = row[2].substr(row[2].rfind('/') + 1),
                                                       .checksum = row[3],
                                                       .applied_at = row[4],
                                                       .kind = row[5],
                                                       .is_good = row[6] == "true"});
  }
  std::ranges::stable_sort(ranked, [](const auto& one, const auto& other) {
    return std::tie(one.first, one.second.version, one.second.file) <
           std::tie(other.first, other.second.version, other.second.file);
  });
  std::vector<script::TheirRow> rows;
  for (auto& [rank, row] : ranked) rows.push_back(std::move(row));
  return rows;
}

}  // namespace sluice::migrate
