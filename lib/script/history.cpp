#include "script/history.hpp"

#include <unistd.h>

#include <array>

#include "base/identifier.hpp"
#include "base/project.hpp"

namespace sluice::script {
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

std::string where(const Home& home, bool versioned, std::uint64_t version,
                  const std::string& file) {
  return " where project = " + quote_literal(home.project) +
         (versioned ? " and version = " + std::to_string(version)
                    : " and version is null and file = " + quote_literal(file));
}

std::string where(const Home& home, const Script& script) {
  return where(home, is_versioned(script), script.name.version, script.file);
}

/// A new entry; that of a repeatable script takes the place of the one before. The first rows of
/// our own schema are stored before the table knows where.
std::string insert(const Home& home, const Script& script, const std::string& state,
                   const std::string& finished_at) {
  const bool has_place = home.search_path.has_value();
  std::string sql = "insert into pgsluice.migrations (project, version, file, checksum, state, ";
  sql += has_place ? "runner, finished_at, search_path) values (" : "runner, finished_at) values (";
  sql += quote_literal(home.project) + ", " + version_of(script) + ", ";
  sql += quote_literal(script.file) + ", " + quote_literal(script.checksum) + ", '" + state + "', ";
  sql += quote_literal(runner_name()) + ", " + finished_at;
  if (has_place) sql += ", " + quote_literal(*home.search_path);
  sql += ")";
  if (!is_versioned(script)) {
    sql +=
        " on conflict (project, file) where version is null do update set checksum = "
        "excluded.checksum, state = excluded.state, statements_done = 0, statement_begun = false, "
        "done_checksum = null, error = null, runner = excluded.runner, applied_by = "
        "excluded.applied_by, started_at = excluded.started_at, finished_at = "
        "excluded.finished_at, search_path = excluded.search_path, accepted_at = null, accepted_by "
        "= null, accepted_checksum = null";
  }
  return sql;
}

// By way of JSON, as the history of an older version lacks columns.
constexpr const char* entry_query =
    "select m.project, coalesce(m.version::text, ''), m.file, coalesce(m.checksum, ''), m.state, "
    "m.statements_done::text, m.statement_begun::int::text, coalesce(m.done_checksum, ''), "
    "coalesce(m.error, ''), coalesce(date_trunc('second', m.finished_at)::text, ''), "
    "coalesce('=' || (j.j ->> 'search_path'), ''), (j.j ->> 'accepted_at' is not null)::int::text, "
    "coalesce(j.j ->> 'accepted_checksum', '') from pgsluice.migrations m cross join lateral "
    "to_jsonb(m) as j (j) where m.project ";

}  // namespace

bool is_accepted_as_gone(const Entry& entry) {
  // Rows of older versions have lost their checksum there.
  const bool of_before = entry.checksum.empty() && entry.state == Entry::State::applied;
  return entry.is_accepted ? entry.accepted_checksum.empty() : of_before;
}

bool has_content(const Entry& entry, const std::string& checksum) {
  if (entry.is_accepted && entry.accepted_checksum == checksum) return true;
  // Of a repeatable script only the last content counts.
  return entry.checksum == checksum && (entry.versioned || !entry.is_accepted);
}

std::string history_query(const std::string& project) {
  return std::string(entry_query) + "= " + quote_literal(project) + " order by m.migration_id";
}

std::string histories_query() {
  return std::string(entry_query) + "<> 'pgsluice' order by m.migration_id";
}

Entry read_entry(const Row& row) {
  Entry entry;
  entry.project = row[0];
  entry.versioned = !row[1].empty();
  if (entry.versioned) entry.version = row.count(1);
  entry.file = row[2];
  entry.checksum = row[3];
  entry.state = state_in(row, 4);
  entry.statements_done = row.count(5);
  entry.statement_begun = row[6] == "1";
  entry.done_checksum = row[7];
  entry.error = row[8];
  entry.finished_at = row[9];
  if (!row[10].empty()) entry.search_path = row[10].substr(1);
  entry.is_accepted = row[11] == "1";
  entry.accepted_checksum = row[12];
  return entry;
}

std::string runner_name() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return std::string(host.data()) + ", process " + std::to_string(::getpid());
}

std::string record_applied(const Home& home, const Script& script) {
  return insert(home, script, "applied", "pg_catalog.clock_timestamp()");
}

std::string record_baseline(const Home& home, std::uint64_t version) {
  return "insert into pgsluice.migrations (project, version, file, state, runner, finished_at, "
         "search_path) values (" +
         quote_literal(home.project) + ", " + std::to_string(version) +
         ", 'baseline', 'baseline', " + quote_literal(runner_name()) +
         ", pg_catalog.clock_timestamp(), " + quote_literal(home.search_path.value_or("")) + ")";
}

std::string record_begun(const Home& home, const Script& script) {
  // After a lost answer the same is stored again.
  return insert(home, script, "running", "null") +
         (is_versioned(script)
              ? " on conflict (project, version) where version is not null do nothing"
              : "");
}

std::string record_progress(const Home& home, const Script& script, std::size_t statements_done,
                            bool next_begun, const std::string& done_checksum) {
  return "update pgsluice.migrations set state = 'running', error = null, checksum = " +
         quote_literal(script.checksum) + ", runner = " + quote_literal(runner_name()) +
         ", statements_done = " + std::to_string(statements_done) +
         ", statement_begun = " + (next_begun ? "true" : "false") +
         ", done_checksum = " + quote_literal(done_checksum) + where(home, script);
}

std::string record_failed(const Home& home, const Script& script, const std::string& error) {
  return "update pgsluice.migrations set state = 'failed', statement_begun = false, error = " +
         quote_literal(error) + where(home, script);
}

std::string record_finished(const Home& home, const Script& script) {
  return "update pgsluice.migrations set state = 'applied', statement_begun = false, "
         "finished_at = clock_timestamp()" +
         where(home, script);
}

std::string record_accepted(const Home& home, const Entry& entry, const std::string& checksum) {
  return "update pgsluice.migrations set state = 'applied', error = null, finished_at = "
         "coalesce(finished_at, clock_timestamp()), accepted_at = clock_timestamp(), accepted_by = "
         "session_user, accepted_checksum = " +
         (checksum.empty() ? "null" : quote_literal(checksum)) +
         where(home, entry.versioned, entry.version, entry.file);
}

std::string forget(const Home& home, const Entry& entry) {
  return "delete from pgsluice.migrations" +
         where(home, entry.versioned, entry.version, entry.file);
}

std::string take_over(const Home& home) {
  return "update pgsluice.migrations set project = " + quote_literal(home.project) +
         ", search_path = " + quote_literal(home.search_path.value_or("")) +
         " where project = " + quote_literal(default_project) + " and search_path is null";
}

std::string record_search_path(const Home& home) {
  return "update pgsluice.migrations set search_path = " +
         quote_literal(home.search_path.value_or("")) +
         " where project = " + quote_literal(home.project);
}

}  // namespace sluice::script
