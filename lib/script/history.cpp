#include "script/history.hpp"

#include <unistd.h>

#include <array>
#include <charconv>

#include "base/columns.hpp"
#include "base/failure.hpp"
#include "base/project.hpp"

namespace sluice::script {
namespace {

constexpr std::array<std::string_view, 5> state_names{"applied", "baseline", "running", "failed",
                                                      "reverting"};

bool goes_back(const Script& script) { return script.name.kind == ScriptKind::way_back; }
bool is_versioned(const Script& script) {
  return script.name.kind == ScriptKind::versioned || goes_back(script);
}

Sql version_of(const Script& script) {
  return is_versioned(script) ? sql("{}", script.name.version.number()) : sql("null");
}

/// The first rows of our own schema are stored before the table knows of more than a number.
Sql rest_column(const Version& version) {
  return version.is_whole() ? Sql() : Sql(", version_rest");
}
Sql rest_value(const Version& version) {
  return version.is_whole() ? Sql() : sql(", {}", literal(version.rest()));
}

Sql where(const Home& home, bool versioned, const Version& version, const std::string& file) {
  return sql(" where project = {} and {}", literal(home.project),
             versioned ? sql("version = {} and version_rest = {}", version.number(),
                             literal(version.rest()))
                       : sql("version is null and file = {}", literal(file)));
}

Sql where(const Home& home, const Script& script) {
  return where(home, is_versioned(script), script.name.version, script.file);
}

/// What stands in front of a write that keeps where the next migration is; own_path is in force,
/// and stays.
Sql find_next(const Home& home) {
  if (home.next_setting.empty()) return {};
  return sql(
      "select pg_catalog.set_config('search_path', {}, true); select "
      "pg_catalog.set_config('pgsluice.led_to', "
      "{}, true); set local search_path = pg_catalog, pg_temp",
      home.next_setting, schemas_in_path());
}
constexpr SqlWords found_next = "pg_catalog.current_setting('pgsluice.led_to')";

Sql set_next(const Home& home) {
  return home.next_setting.empty() ? Sql() : sql(", led_to = {}", found_next);
}

/// What has run behind the newest entry.
Sql set_next_of_newest(const Home& home) {
  return sql(
      "update pgsluice.migrations set led_to = {} where migration_id = (select max(migration_id) "
      "from pgsluice.migrations where project = {})",
      found_next, literal(home.project));
}

/// A new entry; that of a repeatable script takes the place of the one before. The first rows of
/// our own schema are stored before the table knows where.
Write insert(const Home& home, const Script& script, SqlWords state, SqlWords finished_at) {
  const bool has_place = home.search_path.has_value();
  const bool has_next = !home.next_setting.empty();
  Sql statement =
      sql("insert into pgsluice.migrations (project, version, file, checksum, state, runner, "
          "finished_at{}{}{}) values ({}, {}, {}, {}, '{}', {}, {}{}{}{})",
          has_place ? SqlWords(", search_path") : SqlWords(""),
          has_next ? SqlWords(", led_to") : SqlWords(""), rest_column(script.name.version),
          literal(home.project), version_of(script), literal(script.file), literal(script.checksum),
          state, literal(runner_name()), finished_at,
          has_place ? sql(", {}", literal(*home.search_path)) : Sql(),
          has_next ? sql(", {}", found_next) : Sql(), rest_value(script.name.version));
  if (!is_versioned(script)) {
    statement += sql(
        " on conflict (project, file) where version is null do update set checksum = "
        "excluded.checksum, state = excluded.state, statements_done = 0, statement_begun = false, "
        "done_checksum = null, error = null, runner = excluded.runner, applied_by = "
        "excluded.applied_by, started_at = excluded.started_at, finished_at = "
        "excluded.finished_at, search_path = excluded.search_path, led_to = excluded.led_to, "
        "accepted_at = null, accepted_by = null, accepted_checksum = null");
  }
  Write write(std::move(statement));
  write.before = find_next(home);
  // Its entry may be an old one, behind which others are the newest.
  if (!is_versioned(script) && has_next) write.before += sql("; {}", set_next_of_newest(home));
  return write;
}

/// From the migrations that are applied to those that were taken back.
Write move_to_reverted(const Home& home, const Script& script) {
  Write write(sql("delete from pgsluice.migrations{}", where(home, script)));
  write.before = sql(
      "insert into pgsluice.reverted (project, version, version_rest, file, checksum, applied_by, "
      "applied_at, runner) select project, version, version_rest, file, checksum, applied_by, "
      "finished_at, {} from pgsluice.migrations{}",
      literal(runner_name()), where(home, script));
  write.is_done = sql("not exists (select from pgsluice.migrations{})", where(home, script));
  return write;
}

// By way of JSON, as the history of an older version lacks columns.
constexpr auto entry_columns = columns_of({
    {"project", "m.project"},
    {"version", "coalesce(m.version::text, '')"},
    {"version_rest", "coalesce(j.j ->> 'version_rest', '')"},
    {"file", "m.file"},
    {"checksum", "coalesce(m.checksum, '')"},
    {"state", "m.state"},
    {"statements_done", "m.statements_done::text"},
    {"statement_begun", "m.statement_begun::int::text"},
    {"done_checksum", "coalesce(m.done_checksum, '')"},
    {"error", "coalesce(m.error, '')"},
    {"finished_at",
     "coalesce(to_char(m.finished_at, 'YYYY-MM-DD HH24:MI:SSOF'), m.finished_at::text, '')"},
    {"search_path", "coalesce('=' || (j.j ->> 'search_path'), '')"},
    {"led_to", "coalesce('=' || (j.j ->> 'led_to'), '')"},
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

Sql schemas_in_path() {
  return sql(
      "coalesce((select pg_catalog.string_agg(pg_catalog.quote_ident(s.s::pg_catalog.text), ', "
      "'::pg_catalog.text order by s.n) from pg_catalog.unnest(pg_catalog.current_schemas(false)) "
      "with ordinality as s (s, n) where s.s operator(pg_catalog.<>) 'pgsluice'::"
      "pg_catalog.name), '')");
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
  if (entry.versioned) {
    const auto version = Version::of(count_in(row, column("version")), row[at["version_rest"]]);
    if (!version) throw_damaged(row, column("version_rest"));
    entry.version = *version;
  }
  entry.file = row[at["file"]];
  entry.checksum = row[at["checksum"]];
  entry.state = state_in(row);
  entry.statements_done = count_in(row, column("statements_done"));
  entry.statement_begun = row[at["statement_begun"]] == "1";
  entry.done_checksum = row[at["done_checksum"]];
  entry.error = row[at["error"]];
  entry.finished_at = row[at["finished_at"]];
  if (!row[at["search_path"]].empty()) entry.search_path = row[at["search_path"]].substr(1);
  if (!row[at["led_to"]].empty()) entry.led_to = row[at["led_to"]].substr(1);
  entry.is_accepted = row[at["is_accepted"]] == "1";
  entry.accepted_checksum = row[at["accepted_checksum"]];
  return entry;
}

std::string runner_name() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return std::string(host.data()) + ", process " + std::to_string(::getpid());
}

Write record_applied(const Home& home, const Script& script) {
  if (goes_back(script)) {
    // In a transaction nothing is done twice.
    Write write = move_to_reverted(home, script);
    write.is_done = {};
    return write;
  }
  return insert(home, script, "applied", "pg_catalog.clock_timestamp()");
}

Sql record_baseline(const Home& home, const Version& version) {
  return sql(
      "insert into pgsluice.migrations (project, version, file, state, runner, finished_at, "
      "search_path{}) values ({}, {}, 'baseline', 'baseline', {}, pg_catalog.clock_timestamp(), "
      "{}{})",
      rest_column(version), literal(home.project), version.number(), literal(runner_name()),
      literal(home.search_path.value_or("")), rest_value(version));
}

Write record_begun(const Home& home, const Script& script) {
  if (goes_back(script)) {
    return sql(
        "update pgsluice.migrations set state = 'reverting', error = null, runner = {}, "
        "statements_done = 0, statement_begun = false, done_checksum = null{}",
        literal(runner_name()), where(home, script));
  }
  // After a lost answer the same is stored again.
  Write write = insert(home, script, "running", "null");
  if (is_versioned(script))
    write.write += sql(
        " on conflict (project, version, version_rest) where version is not null do update set "
        "runner = excluded.runner where migrations.runner = excluded.runner and migrations.state = "
        "'running'");
  return write;
}

Write record_progress(const Home& home, const Script& script, std::size_t statements_done,
                      bool next_begun, const std::string& done_checksum) {
  // The checksum is that of what goes forth.
  Write write = sql(
      "update pgsluice.migrations set state = {}, error = null, {}runner = {}, statements_done = "
      "{}, statement_begun = {}, done_checksum = {}{}{}",
      goes_back(script) ? SqlWords("'reverting'") : SqlWords("'running'"),
      goes_back(script) ? Sql() : sql("checksum = {}, ", literal(script.checksum)),
      literal(runner_name()), statements_done, next_begun, literal(done_checksum), set_next(home),
      where(home, script));
  write.before = find_next(home);
  return write;
}

Write record_failed(const Home& home, const Script& script, const std::string& error) {
  return sql("update pgsluice.migrations set state = {}, statement_begun = false, error = {}{}",
             goes_back(script) ? SqlWords("'reverting'") : SqlWords("'failed'"), literal(error),
             where(home, script));
}

Write record_finished(const Home& home, const Script& script) {
  if (goes_back(script)) return move_to_reverted(home, script);
  Write write = sql(
      "update pgsluice.migrations set state = 'applied', statement_begun = false, finished_at = "
      "clock_timestamp(){}{}",
      set_next(home), where(home, script));
  write.before = find_next(home);
  return write;
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
  return sql("update pgsluice.migrations set search_path = {}, led_to = null where project = {}",
             literal(home.search_path.value_or("")), literal(home.project));
}

Write record_next(const Home& home) {
  Write write(set_next_of_newest(home));
  write.before = find_next(home);
  return write;
}

Sql counted(const Write& write) {
  const Sql before = write.before.empty() ? Sql() : sql("{};", write.before);
  const Sql count = sql("{}with written (one) as ({} returning 1) select pg_catalog.count(*)",
                        before, write.write);
  if (write.is_done.empty()) return sql("{} from written", count);
  return sql("{} + case when {} then 1 else 0 end from written", count, write.is_done);
}

}  // namespace sluice::script
