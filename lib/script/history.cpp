#include "script/history.hpp"

#include <unistd.h>

#include <array>
#include <charconv>

#include "base/columns.hpp"
#include "base/failure.hpp"
#include "base/project.hpp"

namespace sluice::script {
namespace {

constexpr std::array<std::string_view, 4> state_names{"applied", "baseline", "running", "failed"};

bool is_versioned(const Script& script) { return script.name.kind == ScriptKind::versioned; }

Sql version_of(const Script& script) {
  return is_versioned(script) ? sql("{}", script.name.version) : sql("null");
}

Sql where(const Home& home, bool versioned, std::uint64_t version, const std::string& file) {
  return sql(" where project = {} and {}", literal(home.project),
             versioned ? sql("version = {}", version)
                       : sql("version is null and file = {}", literal(file)));
}

Sql where(const Home& home, const Script& script) {
  return where(home, is_versioned(script), script.name.version, script.file);
}

/// A new entry; that of a repeatable script takes the place of the one before. The first rows of
/// our own schema are stored before the table knows where.
Sql insert(const Home& home, const Script& script, SqlWords state, SqlWords finished_at) {
  const bool has_place = home.search_path.has_value();
  Sql statement =
      sql("insert into pgsluice.migrations (project, version, file, checksum, state, runner, "
          "finished_at{}) values ({}, {}, {}, {}, '{}', {}, {}{})",
          has_place ? SqlWords(", search_path") : SqlWords(""), literal(home.project),
          version_of(script), literal(script.file), literal(script.checksum), state,
          literal(runner_name()), finished_at,
          has_place ? sql(", {}", literal(*home.search_path)) : Sql());
  if (!is_versioned(script)) {
    statement += sql(
        " on conflict (project, file) where version is null do update set checksum = "
        "excluded.checksum, state = excluded.state, statements_done = 0, statement_begun = false, "
        "done_checksum = null, error = null, runner = excluded.runner, applied_by = "
        "excluded.applied_by, started_at = excluded.started_at, finished_at = "
        "excluded.finished_at, search_path = excluded.search_path, accepted_at = null, accepted_by "
        "= null, accepted_checksum = null");
  }
  return statement;
}

// By way of JSON, as the history of an older version lacks columns.
constexpr auto entry_columns = columns_of({
    {"project", "m.project"},
    {"version", "coalesce(m.version::text, '')"},
    {"file", "m.file"},
    {"checksum", "coalesce(m.checksum, '')"},
    {"state", "m.state"},
    {"statements_done", "m.statements_done::text"},
    {"statement_begun", "m.statement_begun::int::text"},
    {"done_checksum", "coalesce(m.done_checksum, '')"},
    {"error", "coalesce(m.error, '')"},
    {"finished_at", "coalesce(date_trunc('second', m.finished_at)::text, '')"},
    {"search_path", "coalesce('=' || (j.j ->> 'search_path'), '')"},
    {"is_accepted", "(j.j ->> 'accepted_at' is not null)::int::text"},
    {"accepted_checksum", "coalesce(j.j ->> 'accepted_checksum', '')"},
});

/// A column of entry_columns.
struct Column {
  std::size_t at;
  std::string_view name;
};
consteval Column column(std::string_view name) {
  return {static_cast<std::size_t>(entry_columns[name]), name};
}

/// Somebody has written to it by hand.
[[noreturn]] void throw_damaged(const Row& row, Column which) {
  constexpr std::size_t shown = 40;
  const std::string value = row[which.at].substr(0, shown);
  throw Failure(FailureKind::failed,
                "the history's row of " + row[entry_columns["file"]] + " (project \"" +
                    row[entry_columns["project"]] + "\") is damaged: its " +
                    std::string(which.name) + " is \"" + value + "\"",
                "Mend or delete that row of pgsluice.migrations.");
}

std::uint64_t count_in(const Row& row, Column which) {
  const std::string& text = row[which.at];
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) throw_damaged(row, which);
  return value;
}

Entry::State state_in(const Row& row) {
  constexpr Column state = column("state");
  for (std::size_t i = 0; i < state_names.size(); ++i)
    if (state_names[i] == row[state.at]) return static_cast<Entry::State>(i);
  throw_damaged(row, state);
}

Sql entries_where(const Sql& which) {
  return sql(
      "select {} from pgsluice.migrations m cross join lateral to_jsonb(m) as j (j) where {} order "
      "by m.migration_id",
      entry_columns.list(), which);
}

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

Sql history_query(const std::string& project) {
  return entries_where(sql("m.project = {}", literal(project)));
}

Sql histories_query() { return entries_where(sql("m.project <> 'pgsluice'")); }

Entry read_entry(const Row& row) {
  static constexpr auto& at = entry_columns;
  Entry entry;
  entry.project = row[at["project"]];
  entry.versioned = !row[at["version"]].empty();
  if (entry.versioned) entry.version = count_in(row, column("version"));
  entry.file = row[at["file"]];
  entry.checksum = row[at["checksum"]];
  entry.state = state_in(row);
  entry.statements_done = count_in(row, column("statements_done"));
  entry.statement_begun = row[at["statement_begun"]] == "1";
  entry.done_checksum = row[at["done_checksum"]];
  entry.error = row[at["error"]];
  entry.finished_at = row[at["finished_at"]];
  if (!row[at["search_path"]].empty()) entry.search_path = row[at["search_path"]].substr(1);
  entry.is_accepted = row[at["is_accepted"]] == "1";
  entry.accepted_checksum = row[at["accepted_checksum"]];
  return entry;
}

std::string runner_name() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return std::string(host.data()) + ", process " + std::to_string(::getpid());
}

Sql record_applied(const Home& home, const Script& script) {
  return insert(home, script, "applied", "pg_catalog.clock_timestamp()");
}

Sql record_baseline(const Home& home, std::uint64_t version) {
  return sql(
      "insert into pgsluice.migrations (project, version, file, state, runner, finished_at, "
      "search_path) values ({}, {}, 'baseline', 'baseline', {}, pg_catalog.clock_timestamp(), {})",
      literal(home.project), version, literal(runner_name()),
      literal(home.search_path.value_or("")));
}

Sql record_begun(const Home& home, const Script& script) {
  // After a lost answer the same is stored again.
  return sql("{}{}", insert(home, script, "running", "null"),
             is_versioned(script)
                 ? SqlWords(" on conflict (project, version) where version is not null do update "
                            "set runner = excluded.runner where migrations.runner = "
                            "excluded.runner and migrations.state = 'running'")
                 : SqlWords(""));
}

Sql record_progress(const Home& home, const Script& script, std::size_t statements_done,
                    bool next_begun, const std::string& done_checksum) {
  return sql(
      "update pgsluice.migrations set state = 'running', error = null, checksum = {}, runner = {}, "
      "statements_done = {}, statement_begun = {}, done_checksum = {}{}",
      literal(script.checksum), literal(runner_name()), statements_done, next_begun,
      literal(done_checksum), where(home, script));
}

Sql record_failed(const Home& home, const Script& script, const std::string& error) {
  return sql(
      "update pgsluice.migrations set state = 'failed', statement_begun = false, error = {}{}",
      literal(error), where(home, script));
}

Sql record_finished(const Home& home, const Script& script) {
  return sql(
      "update pgsluice.migrations set state = 'applied', statement_begun = false, finished_at = "
      "clock_timestamp(){}",
      where(home, script));
}

Sql record_accepted(const Home& home, const Entry& entry, const std::string& checksum) {
  return sql(
      "update pgsluice.migrations set state = 'applied', error = null, finished_at = "
      "coalesce(finished_at, clock_timestamp()), accepted_at = clock_timestamp(), accepted_by = "
      "session_user, accepted_checksum = {}{}",
      literal_or_null(!checksum.empty(), checksum),
      where(home, entry.versioned, entry.version, entry.file));
}

Sql forget(const Home& home, const Entry& entry) {
  return sql("delete from pgsluice.migrations{}",
             where(home, entry.versioned, entry.version, entry.file));
}

Sql take_over(const Home& home) {
  return sql(
      "update pgsluice.migrations set project = {}, search_path = {} where project = {} and "
      "search_path is null",
      literal(home.project), literal(home.search_path.value_or("")), literal(default_project));
}

Sql record_search_path(const Home& home) {
  return sql("update pgsluice.migrations set search_path = {} where project = {}",
             literal(home.search_path.value_or("")), literal(home.project));
}

Sql counted(const Sql& write) {
  return sql("with written (one) as ({} returning 1) select pg_catalog.count(*) from written",
             write);
}

}  // namespace sluice::script
