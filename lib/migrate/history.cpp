#include "migrate/history.hpp"

#include <unistd.h>

#include <array>

#include "base/identifier.hpp"

namespace sluice::migrate {
namespace {

constexpr std::array<std::string_view, 4> state_names{"applied", "baseline", "running", "failed"};

Entry::State state_in(const Row& row, std::size_t column) {
  for (std::size_t i = 0; i < state_names.size(); ++i)
    if (state_names[i] == row[column]) return static_cast<Entry::State>(i);
  row.refuse(column);
}

bool is_versioned(const Script& script) { return script.name.kind == ScriptKind::versioned; }

std::string version_of(const Script& script) {
  return is_versioned(script) ? std::to_string(script.name.version) : "null";
}

std::string where(const std::string& project, bool versioned, std::uint64_t version,
                  const std::string& file) {
  return " where project = " + quote_literal(project) +
         (versioned ? " and version = " + std::to_string(version)
                    : " and version is null and file = " + quote_literal(file));
}

std::string where(const std::string& project, const Script& script) {
  return where(project, is_versioned(script), script.name.version, script.file);
}

/// A new entry; that of a repeatable script takes the place of the one before.
std::string insert(const std::string& project, const Script& script, const std::string& state,
                   const std::string& finished_at) {
  std::string sql =
      "insert into pgsluice.migrations (project, version, file, checksum, state, runner, "
      "finished_at) values (" +
      quote_literal(project) + ", " + version_of(script) + ", " + quote_literal(script.file) +
      ", " + quote_literal(script.checksum) + ", '" + state + "', " + quote_literal(runner_name()) +
      ", " + finished_at + ")";
  if (!is_versioned(script)) {
    sql +=
        " on conflict (project, file) where version is null do update set checksum = "
        "excluded.checksum, state = excluded.state, statements_done = 0, statement_begun = false, "
        "done_checksum = null, error = null, runner = excluded.runner, applied_by = "
        "excluded.applied_by, started_at = excluded.started_at, finished_at = "
        "excluded.finished_at";
  }
  return sql;
}

}  // namespace

std::string history_query(const std::string& project) {
  return "select coalesce(version::text, ''), file, coalesce(checksum, ''), state, "
         "statements_done::text, statement_begun::int::text, coalesce(done_checksum, ''), "
         "coalesce(error, ''), coalesce(date_trunc('second', finished_at)::text, '') "
         "from pgsluice.migrations where project = " +
         quote_literal(project) + " order by migration_id";
}

Entry read_entry(const Row& row) {
  Entry entry;
  entry.versioned = !row[0].empty();
  if (entry.versioned) entry.version = row.count(0);
  entry.file = row[1];
  entry.checksum = row[2];
  entry.state = state_in(row, 3);
  entry.statements_done = row.count(4);
  entry.statement_begun = row[5] == "1";
  entry.done_checksum = row[6];
  entry.error = row[7];
  entry.finished_at = row[8];
  return entry;
}

std::string runner_name() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return std::string(host.data()) + ", process " + std::to_string(::getpid());
}

std::string record_applied(const std::string& project, const Script& script) {
  return insert(project, script, "applied", "pg_catalog.clock_timestamp()");
}

std::string record_baseline(const std::string& project, std::uint64_t version) {
  return "insert into pgsluice.migrations (project, version, file, state, runner, finished_at) "
         "values (" +
         quote_literal(project) + ", " + std::to_string(version) + ", 'baseline', 'baseline', " +
         quote_literal(runner_name()) + ", pg_catalog.clock_timestamp())";
}

std::string record_begun(const std::string& project, const Script& script) {
  return insert(project, script, "running", "null");
}

std::string record_progress(const std::string& project, const Script& script,
                            std::size_t statements_done, bool next_begun,
                            const std::string& done_checksum) {
  return "update pgsluice.migrations set state = 'running', error = null, checksum = " +
         quote_literal(script.checksum) + ", runner = " + quote_literal(runner_name()) +
         ", statements_done = " + std::to_string(statements_done) +
         ", statement_begun = " + (next_begun ? "true" : "false") +
         ", done_checksum = " + quote_literal(done_checksum) + where(project, script);
}

std::string record_failed(const std::string& project, const Script& script,
                          const std::string& error) {
  return "update pgsluice.migrations set state = 'failed', statement_begun = false, error = " +
         quote_literal(error) + where(project, script);
}

std::string record_finished(const std::string& project, const Script& script) {
  return "update pgsluice.migrations set state = 'applied', statement_begun = false, "
         "finished_at = clock_timestamp()" +
         where(project, script);
}

std::string record_accepted(const std::string& project, const Entry& entry,
                            const std::string& checksum) {
  return "update pgsluice.migrations set state = 'applied', error = null, finished_at = "
         "coalesce(finished_at, clock_timestamp()), checksum = " +
         (checksum.empty() ? "null" : quote_literal(checksum)) +
         where(project, entry.versioned, entry.version, entry.file);
}

std::string forget(const std::string& project, const Entry& entry) {
  return "delete from pgsluice.migrations" +
         where(project, entry.versioned, entry.version, entry.file);
}

}  // namespace sluice::migrate
