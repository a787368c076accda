#include "serve/database_metrics.hpp"

#include <fmt/format.h>

#include "async/deadline.hpp"
#include "base/columns.hpp"
#include "base/failure.hpp"
#include "ledger/ledger.hpp"
#include "pg/error.hpp"
#include "serve/ledger_view.hpp"
#include "serve/metrics.hpp"

namespace sluice::serve {
namespace {

using namespace std::chrono_literals;

/// A scraper waits for ten seconds, unless it is told otherwise.
constexpr std::chrono::milliseconds scrape_question_max = 2s;

// What a role that may not see another one's sessions is shown are NULLs. Of several standbys of
// one name and address the one that is furthest behind counts: series have names of their own.
constexpr auto standby_columns = columns_of({
    {"name", "coalesce(application_name, '')"},
    {"address", "coalesce(host(client_addr), '')"},
    {"bytes", "greatest(max(pg_catalog.pg_wal_lsn_diff({}, replay_lsn)), 0)::bigint"},
    {"seconds", "round(coalesce(max(extract(epoch from replay_lag)), 0)::numeric, 3)::text"},
});

/// A standby sends on what it has replayed itself.
constexpr SqlWords own_position =
    "case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn() else "
    "pg_catalog.pg_current_wal_lsn() end";

asio::awaitable<std::vector<Standby>> ask_standbys(pg::Connection& on) {
  const Sql ask =
      sql("select {} from pg_catalog.pg_stat_replication where replay_lsn is not null group by 1, "
          "2 order by "
          "1, 2",
          standby_columns.list(own_position));
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.front();
  std::vector<Standby> standbys;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    standbys.push_back({.name = std::string(rows.text(row, standby_columns["name"])),
                        .address = std::string(rows.text(row, standby_columns["address"])),
                        .bytes_behind = rows.integer(row, standby_columns["bytes"]),
                        .seconds_behind = std::string(rows.text(row, standby_columns["seconds"]))});
  co_return standbys;
}

/// Whoever may not see them has none.
asio::awaitable<std::vector<jobs::JobEntry>> ask_jobs(pg::Connection& on) {
  try {
    if (co_await ledger::is_readable(on, ledger::Use::read_jobs))
      co_return co_await jobs::list_jobs(on, "");
  } catch (const Failure&) {
  }
  co_return std::vector<jobs::JobEntry>();
}

/// Each on a connection of its own: one that has seen an error is not asked again.
asio::awaitable<void> ask_all(pg::Pool& pool, DatabaseFacts& facts) {
  co_await ask_for_nothing(pool);
  facts.is_up = true;
  try {
    const pg::Lease connection = co_await pool.acquire();
    facts.standbys = co_await ask_standbys(*connection);
  } catch (const pg::PgError& error) {
    if (!error.session_goes_on) throw;
  }
  if (!facts.shows_jobs) co_return;
  const pg::Lease connection = co_await pool.acquire();
  facts.jobs = co_await ask_jobs(*connection);
}

std::string sample_of(const char* name, const Standby& standby, std::string_view value) {
  return fmt::format("{}{{standby=\"{}\",address=\"{}\"}} {}\n", name, label_value(standby.name),
                     label_value(standby.address), value);
}

std::string labels_of(const jobs::JobEntry& job) {
  return fmt::format("project=\"{}\",job=\"{}\"", label_value(job.project), label_value(job.name));
}

std::string text_of_standbys(const std::vector<Standby>& standbys) {
  if (standbys.empty()) return {};
  constexpr const char* bytes = "pgsluice_replication_lag_bytes";
  constexpr const char* seconds = "pgsluice_replication_lag_seconds";
  std::string text = family_head(bytes, "gauge", "How much of the log a standby has not replayed.");
  for (const Standby& one : standbys)
    text += sample_of(bytes, one, std::to_string(one.bytes_behind));
  text +=
      family_head(seconds, "gauge", "How long ago what a standby has replayed last was written.");
  for (const Standby& one : standbys) text += sample_of(seconds, one, one.seconds_behind);
  return text;
}

}  // namespace

std::string text_of_jobs(const std::vector<jobs::JobEntry>& jobs) {
  if (jobs.empty()) return {};
  constexpr const char* state = "pgsluice_job_state";
  constexpr const char* success = "pgsluice_job_last_success_timestamp_seconds";
  constexpr const char* next = "pgsluice_job_next_slot_timestamp_seconds";
  std::string states = family_head(state, "gauge", "1 for the state of a job's newest slot.");
  std::string successes = family_head(
      success, "gauge", "When the last run that ended well ended; not there before that.");
  std::string slots = family_head(next, "gauge", "When a job is due next, by its schedule.");
  for (const jobs::JobEntry& job : jobs) {
    const std::string labels = labels_of(job);
    for (const auto& [value, name] : names_of(jobs::RunState()))
      if (!job.last_states.empty())
        states += fmt::format("{}{{{},state=\"{}\"}} {}\n", state, labels, name,
                              job.last_states.front() == value ? 1 : 0);
    if (job.success_slot)
      successes += fmt::format("{}{{{}}} {}\n", success, labels, job.success_epoch);
    if (const auto slot = job.next_slot())
      slots += fmt::format("{}{{{}}} {}\n", next, labels, slot->time_since_epoch().count());
  }
  return states + successes + slots;
}

std::string label_value(std::string_view text) {
  std::string value;
  for (const char c : text) {
    if (c == '\n') {
      value += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') value += '\\';
    value += c;
  }
  return value;
}

asio::awaitable<DatabaseFacts> database_facts(pg::Pool& pool, bool shows_jobs) {
  DatabaseFacts facts{.standbys = {}, .jobs = {}, .shows_jobs = shows_jobs};
  try {
    asio::awaitable<void> asking = ask_all(pool, facts);
    co_await async::with_deadline(std::move(asking), async::Clock::now() + scrape_question_max);
  } catch (const async::TimedOut&) {
  } catch (const pg::PgError&) {
  }
  co_return facts;
}

std::string text_of(const DatabaseFacts& facts) {
  return family_head("pgsluice_database_up", "gauge", "Whether the database has answered.") +
         fmt::format("pgsluice_database_up {}\n", facts.is_up ? 1 : 0) +
         text_of_standbys(facts.standbys) + text_of_jobs(facts.jobs);
}

}  // namespace sluice::serve
