#include "ledger/migrations.hpp"

#include "base/columns.hpp"
#include "schema/own_schema.hpp"

namespace sluice::ledger {
namespace {

// By way of JSON, as the history of an older version lacks columns.
constexpr auto migration_columns = columns_of({
    {"id", "m.migration_id"},
    {"project", "m.project"},
    {"version", "m.version"},
    {"version_rest", "coalesce(j.j ->> 'version_rest', '')"},
    {"file", "m.file"},
    {"checksum", "coalesce(m.checksum, '')"},
    {"state", "m.state"},
    {"begun_at", "coalesce(to_char(m.started_at, 'YYYY-MM-DD HH24:MI:SSOF'), m.started_at::text)"},
    {"applied_at",
     "coalesce(to_char(m.finished_at, 'YYYY-MM-DD HH24:MI:SSOF'), m.finished_at::text, '')"},
    {"applied_by", "m.applied_by"},
    {"runner", "m.runner"},
    {"seconds",
     "case when isfinite(m.started_at) and isfinite(m.finished_at) then round(extract(epoch from "
     "m.finished_at - m.started_at)::numeric, 1)::text else '' end"},
    {"statements_done", "m.statements_done"},
    {"error", "coalesce(m.error, '')"},
    {"accepted_at",
     "coalesce(to_char((j.j ->> 'accepted_at')::timestamptz, 'YYYY-MM-DD HH24:MI:SSOF'), (j.j ->> "
     "'accepted_at')::timestamptz::text, '')"},
    {"accepted_by", "coalesce(j.j ->> 'accepted_by', '')"},
});

MigrationEntry read_migration(const pg::Result& rows, std::size_t row) {
  static constexpr auto& at = migration_columns;
  const auto text = [&](int column) { return std::string(rows.text(row, column)); };
  MigrationEntry entry{.id = rows.integer(row, at["id"]),
                       .project = text(at["project"]),
                       .version = {},
                       .version_rest = text(at["version_rest"]),
                       .file = text(at["file"]),
                       .checksum = text(at["checksum"]),
                       .state = text(at["state"]),
                       .begun_at = text(at["begun_at"]),
                       .applied_at = text(at["applied_at"]),
                       .applied_by = text(at["applied_by"]),
                       .runner = text(at["runner"]),
                       .seconds = text(at["seconds"]),
                       .statements_done = rows.count(row, at["statements_done"]),
                       .error = text(at["error"]),
                       .accepted_at = text(at["accepted_at"]),
                       .accepted_by = text(at["accepted_by"])};
  if (!rows.is_null(row, at["version"])) entry.version = rows.integer(row, at["version"]);
  return entry;
}

}  // namespace

asio::awaitable<std::vector<MigrationEntry>> list_migrations(pg::Connection& on,
                                                             MigrationsFilter filter) {
  const bool is_any = filter.project.empty();
  Sql ask =
      sql("select {} from pgsluice.migrations m cross join lateral to_jsonb(m) as j (j) where "
          "m.project {} {}",
          migration_columns.list(), is_any ? SqlWords("<>") : SqlWords("="),
          literal(is_any ? std::string(schema::project) : filter.project));
  if (filter.before) ask += sql(" and m.migration_id < {}", *filter.before);
  ask += sql(" order by m.migration_id desc limit {}", filter.count);
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.front();
  std::vector<MigrationEntry> entries;
  for (std::size_t row = 0; row < rows.rows(); ++row) entries.push_back(read_migration(rows, row));
  co_return entries;
}

}  // namespace sluice::ledger
