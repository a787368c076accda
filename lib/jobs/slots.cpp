#include "jobs/slots.hpp"

#include <array>
#include <sstream>

#include "base/failure.hpp"
#include "base/identifier.hpp"
#include "base/limits.hpp"
#include "base/printable.hpp"
#include "ledger/ledger.hpp"
#include "pg/await_server.hpp"
#include "script/checksum.hpp"

namespace sluice::jobs {
namespace {

RunState state_of(std::string_view name) {
  return value_named<RunState>(name).value_or(RunState::lost);
}

std::string timestamp(Instant slot) {
  return "to_timestamp(" + std::to_string(slot.time_since_epoch().count()) + ")";
}

std::string interval(milliseconds duration) {
  return "interval '" + std::to_string(duration.count()) + " milliseconds'";
}

/// A server that loses the connection each time is not asked for ever.
constexpr std::size_t tables_attempts_max = 3;

/// What concerns one job is decided one scheduler at a time. Short, and gone with the transaction.
std::string begin_alone(const std::string& job) {
  return "begin; set local lock_timeout = '30s'; select "
         "pg_catalog.pg_advisory_xact_lock(hashtextextended("
         "'pgsluice job ' || " +
         quote_literal(job) + ", 0)); ";
}

// It stands behind a commit too, where the path is the user's again.
const std::string clock_query =
    "select (extract(epoch from pg_catalog.clock_timestamp()) operator(pg_catalog.*) 1000)::bigint";
const std::string slot_seconds = "extract(epoch from slot)::bigint";

SlotId slot_in(const pg::Result& rows, std::size_t row) {
  return {std::string(rows.text(row, 0)), std::string(rows.text(row, 1)),
          Instant(std::chrono::seconds(rows.integer(row, 2)))};
}

std::string is_job(const std::string& project, const std::string& job) {
  return "project = " + quote_literal(project) + " and job = " + quote_literal(job);
}
std::string is_job(const Job& job) { return is_job(job.project.name, job.name); }

/// Nobody else has said meanwhile that it is something else.
std::string is_followed(const Job& job, const std::string& meaning) {
  return "exists (select from pgsluice.jobs where " + is_job(job) +
         " and meaning = " + quote_literal(meaning) + ")";
}

std::string insert_run(const Job& job, const std::string& slots_query, const std::string& runner) {
  return "insert into pgsluice.job_runs (project, job, slot, state, runner, finished_at, message) "
         "select " +
         quote_literal(job.project.name) + ", " + quote_literal(job.name) + ", slot, state, " +
         quote_literal(runner) +
         ", case when state in ('queued', 'running') then null else clock_timestamp() end, message "
         "from (" +
         slots_query + ") s on conflict do nothing";
}

std::string is_slot(const SlotId& id) {
  return is_job(id.project, id.job) + " and slot = " + timestamp(id.slot);
}

std::string under_way(const std::string& its_job, const char* state) {
  return "exists (select from pgsluice.job_runs where " + its_job + " and state = '" + state + "')";
}

/// Which state a slot gets, as an SQL expression.
std::string state_of_new(const Job& job) {
  const std::string busy = under_way(is_job(job), "running");
  switch (job.overlap) {
    case Overlap::skip: return "case when " + busy + " then 'skipped' else 'running' end";
    case Overlap::queue:
      return "case when " + under_way(is_job(job), "queued") + " then 'skipped' when " + busy +
             " then 'queued' else 'running' end";
    case Overlap::cancel: break;
  }
  return "case when " + busy + " then 'queued' else 'running' end";
}

/// The later run takes the place of those before it, unless it has done so already.
std::string take_place(const Job& job, const std::string& meaning, const SlotId& id) {
  const std::string where = " where " + is_job(job) + " and " + is_followed(job, meaning) +
                            " and not exists (select from pgsluice.job_runs where " + is_slot(id) +
                            ") and state = ";
  return "update pgsluice.job_runs set stop_asked = true" + where +
         "'running'; update pgsluice.job_runs set state = 'skipped', finished_at = "
         "clock_timestamp(), message = 'a later run took its place'" +
         where + "'queued'; ";
}

}  // namespace

std::string gist(RunState state, const std::string& message) {
  if (state == RunState::ran) return "";
  constexpr std::string_view error = "\npgsluice: ";
  const std::string text = "\n" + message.substr(0, message.find_last_not_of('\n') + 1);
  std::size_t begin = state == RunState::failed ? text.rfind(error) : std::string::npos;
  if (begin == std::string::npos) begin = text.rfind('\n');
  return text.substr(begin + 1, text.find('\n', begin + 1) - begin - 1);
}

std::chrono::sys_time<milliseconds> Slots::now() const {
  return heard_ + std::chrono::duration_cast<milliseconds>(async::Clock::now() - heard_at_);
}

/// Every question ends with the database's clock.
asio::awaitable<pg::Results> Slots::ask(std::string sql, Wanted wanted) {
  const async::Backoff backoff{limits::retry_delay_min, limits::park_time};
  const auto began = async::Clock::now();
  for (std::size_t attempt = 0;; ++attempt) {
    try {
      const pg::Lease connection = co_await pool_.acquire();
      const std::string text = sql + "; " + clock_query;
      auto results = co_await connection->query(text);
      heard_ = std::chrono::sys_time<milliseconds>(milliseconds(results.back().integer(0, 0)));
      heard_at_ = async::Clock::now();
      results.pop_back();
      co_return results;
    } catch (const pg::PgError& error) {
      const bool first = heard_ == std::chrono::sys_time<milliseconds>{};
      // Read only: it is a standby now, or becomes a primary again.
      const bool passes = error.nature() == ErrorNature::lost ||
                          error.nature() == ErrorNature::transient ||
                          error.state.in_class(sql_class::invalid_transaction_state);
      if (first || !passes || (ending_ && wanted == Wanted::until_the_end)) throw;
      if (patience_ && async::Clock::now() - began >= *patience_) throw;
      if (attempt == 0) note_("the database is away: " + error.full());
    }
    const auto until = async::Deadline::after(backoff.delay(attempt, async::random_share()));
    while (!until.passed() && !(ending_ && wanted == Wanted::until_the_end))
      co_await ending_changed_.wait(until);
  }
}

std::string Slots::mark_lost(const std::string& more) const {
  return "update pgsluice.job_runs set state = 'lost', finished_at = clock_timestamp(), message = "
         "'its scheduler (' || runner || ') went silent' where state in ('queued', 'running') and "
         "heartbeat_at < clock_timestamp() - " +
         interval(lost_after_) + more + " returning project, job, " + slot_seconds;
}

/// False where the connection was lost on the way: what is made is made in one transaction.
asio::awaitable<bool> Slots::make_tables(bool is_last_attempt) {
  try {
    const pg::Lease connection = co_await pool_.acquire();
    const ledger::State state = co_await ledger::ask(*connection, ledger::Use::schedule);
    co_await ledger::ensure(*connection, state, ledger::Use::schedule);
  } catch (const pg::PgError& error) {
    const bool passes =
        error.nature() == ErrorNature::lost || error.nature() == ErrorNature::transient;
    if (is_last_attempt || !passes) throw;
    note_(error.message + "; pgsluice's tables are asked for again");
    co_return false;
  }
  co_return true;
}

asio::awaitable<void> Slots::prepare(milliseconds wait, std::optional<milliseconds> patience) {
  patience_ = patience;
  for (std::size_t attempt = 0; attempt <= tables_attempts_max; ++attempt) {
    pg::ServerWait server_wait{.patience = wait, .say = note_, .writes = true};
    co_await pg::await_server(pool_, std::move(server_wait));
    const bool is_last = attempt == tables_attempts_max;
    const bool is_done = co_await make_tables(is_last);
    if (is_done) break;
  }
  // The clock is heard first: whoever asks again does so from then on.
  co_await ask("select 1", Wanted::until_the_end);
  const pg::Lease connection = co_await pool_.acquire();
  const std::string path =
      "select coalesce((select pg_catalog.string_agg(s.s::pg_catalog.text, ', '::pg_catalog.text "
      "order by s.n) from pg_catalog.unnest(pg_catalog.current_schemas(false)) with ordinality as "
      "s "
      "(s, n)), '')";
  const auto results = co_await connection->query_in_user_path(path);
  constexpr std::size_t shown = 12;
  search_path_ = script::sha256(results.back().text(0, 0)).substr(0, shown);
}

std::string Slots::meaning_here(const Job& job) const {
  return job.meaning + " search_path=" + search_path_;
}

/// Not each time: it is said to others, who look now and then.
std::string Slots::keep_following() const {
  std::string values;
  for (const auto& [job, meaning] : followed_) {
    values += values.empty() ? "(" : ", (";
    values += quote_literal(job.first) + ", " + quote_literal(job.second) + ", ";
    values += quote_literal(meaning) + ")";
  }
  if (values.empty()) return "select 1";
  return "update pgsluice.jobs set followed_at = clock_timestamp() where (project, job, meaning) "
         "in "
         "(values " +
         values + ") and followed_at < clock_timestamp() - " + interval(lost_after_ / 3);
}

/// Throws Failure{usage} where the database's encoding cannot hold its names.
asio::awaitable<pg::Results> Slots::ask_by_name(const Job& job, std::string sql) {
  try {
    co_return co_await ask(std::move(sql), Wanted::until_the_end);
  } catch (const pg::PgError& error) {
    if (!(error.state == sql_state::untranslatable_character)) throw;
    throw Failure(FailureKind::usage,
                  job.place + ": job \"" + job.name + "\" of project \"" + job.project.name +
                      "\": the database's encoding cannot hold these names, or that of this "
                      "configuration: " +
                      error.message);
  }
}

asio::awaitable<Entered> Slots::enter(const Job& job) {
  const std::string wanted = quote_literal(job.project.name);
  const std::string name = quote_literal(job.name);
  const std::string meaning = meaning_here(job);
  const std::string its_meaning = quote_literal(meaning);
  // Of a project that nobody has named: the same job elsewhere is this one.
  const std::string project =
      job.project.is_given
          ? wanted
          : "coalesce((select project from pgsluice.jobs where " + is_job(job) +
                "), (select min(project) from pgsluice.jobs where job = " + name +
                " and meaning = " + its_meaning + " having count(*) = 1), " + wanted + ")";
  const bool is_default = job.project.name == default_project;
  std::string sql = begin_alone(job.name);
  sql += "update pgsluice.jobs set project = " + wanted + " where project = '" + default_project +
         "' and job = " + name +
         " and meaning is null and schedule = " + quote_literal(job.schedule) +
         (is_default ? " and false" : "") + " and not exists (select from pgsluice.jobs where " +
         is_job(job) + ") returning project; ";
  // A new schedule has missed nothing. Who means the same follows beside others; who means
  // something else waits until they are gone, but for a configuration that was edited in its place.
  sql +=
      "insert into pgsluice.jobs as j (project, job, schedule, meaning, follower, place, "
      "followed_at) select " +
      project + ", " + name + ", " + quote_literal(job.schedule) + ", " + its_meaning + ", " +
      quote_literal(runner_) + ", " + quote_literal(place_) +
      ", clock_timestamp() on conflict (project, job) do update set schedule = "
      "excluded.schedule, since = case when j.schedule <> excluded.schedule then "
      "clock_timestamp() else j.since end, meaning = excluded.meaning, follower = "
      "excluded.follower, place = excluded.place, followed_at = excluded.followed_at where "
      "j.meaning is null or j.meaning = excluded.meaning or j.place = excluded.place or "
      "j.followed_at < clock_timestamp() - " +
      interval(lost_after_) + "; ";
  sql +=
      "select j.project, j.meaning, coalesce(j.follower, ''), floor(extract(epoch from "
      "greatest(since, (select max(slot) from pgsluice.job_runs r where r.project = j.project "
      "and r.job = j.job))))::bigint from pgsluice.jobs j where j.job = " +
      name + " and j.project = " + project + "; commit";
  const auto results = co_await ask_by_name(job, std::move(sql));
  const pg::Result& found = results.last(1);
  Entered entered{.project = std::string(found.text(0, 0)),
                  .seen = Instant(std::chrono::seconds(found.integer(0, 3))),
                  .took_over = results.last(3).rows() > 0,
                  .refused_by = {},
                  .differs_in = {}};
  const std::string theirs(found.text(0, 1));
  const std::pair key{entered.project, job.name};
  if (theirs == meaning) {
    followed_[key] = meaning;
  } else {
    followed_.erase(key);
    entered.refused_by = found.text(0, 2);
    entered.differs_in = difference(meaning, theirs);
  }
  co_return entered;
}

asio::awaitable<Claim> Slots::claim(const Job& job, Instant slot) {
  const SlotId id{job.project.name, job.name, slot};
  const bool keeps_all = job.catchup == Catchup::all;
  const std::string meaning = meaning_here(job);
  const std::string followed = is_followed(job, meaning);
  std::string sql = begin_alone(job.name) + mark_lost(" and " + is_job(job)) + "; ";
  if (job.overlap == Overlap::cancel) sql += take_place(job, meaning, id);
  const std::string state = keeps_all ? "'running'" : state_of_new(job);
  std::string row = "select " + timestamp(slot) + " as slot, state, case when state = 'skipped' " +
                    "then 'the run before it has not ended' else '' end as message from (select " +
                    state + " as state) n where " + followed;
  if (keeps_all) row += " and not " + under_way(is_job(job), "running");
  sql += insert_run(job, row, runner_) + "; select state, runner = " + quote_literal(runner_) +
         " from pgsluice.job_runs where " + is_slot(id) + "; select " + followed + "; commit";
  const auto results = co_await ask(std::move(sql), Wanted::until_the_end);
  const pg::Result& found = results.last(2);
  if (found.rows() == 0) {
    const bool refused = !results.last(1).boolean(0, 0);
    co_return Claim{.state = std::nullopt, .busy = !refused, .refused = refused};
  }
  if (!found.boolean(0, 1)) co_return Claim{};
  co_return Claim{.state = state_of(found.text(0, 0)), .busy = false, .refused = false};
}

asio::awaitable<RunState> Slots::promote(SlotId id) {
  const std::string sql =
      begin_alone(id.job) + mark_lost(" and " + is_job(id.project, id.job)) +
      "; update pgsluice.job_runs set state = 'running', claimed_at = clock_timestamp(), "
      "heartbeat_at = clock_timestamp() where state = 'queued' and " +
      is_slot(id) + " and not " + under_way(is_job(id.project, id.job), "running") +
      "; select state from pgsluice.job_runs where " + is_slot(id) + "; commit";
  const auto results = co_await ask(sql, Wanted::until_the_end);
  const pg::Result& found = results.last(1);
  co_return found.rows() == 0 ? RunState::lost : state_of(found.text(0, 0));
}

asio::awaitable<Heartbeat> Slots::beat() {
  const std::string sql =
      "update pgsluice.job_runs set heartbeat_at = clock_timestamp() where state in ('queued', "
      "'running') and runner = " +
      quote_literal(runner_) + " returning project, job, " + slot_seconds + ", stop_asked; " +
      mark_lost("") + "; " + keep_following();
  const auto results = co_await ask(sql, Wanted::to_the_last);
  Heartbeat heartbeat;
  const pg::Result& mine = results[0];
  for (std::size_t row = 0; row < mine.rows(); ++row) {
    if (mine.boolean(row, 3)) heartbeat.stop_asked.push_back(slot_in(mine, row));
  }
  for (std::size_t row = 0; row < results[1].rows(); ++row)
    heartbeat.lost.push_back(slot_in(results[1], row));
  co_return heartbeat;
}

/// What a job says is not always what the database can hold; then it is kept as ASCII.
asio::awaitable<bool> Slots::finish(SlotId id, RunEnd end) {
  end.message = printable(end.message);
  try {
    co_return co_await store_end(id, end);
  } catch (const pg::PgError& error) {
    if (!(error.state == sql_state::untranslatable_character)) throw;
  }
  end.message = printable_ascii(end.message);
  co_return co_await store_end(std::move(id), std::move(end));
}

asio::awaitable<bool> Slots::store_end(SlotId id, RunEnd end) {
  // Only of what is under way: after a lost answer the same is asked again, and says no harm.
  const std::string sql =
      "update pgsluice.job_runs set state = '" + std::string(name_of(end.state)) +
      "', finished_at = clock_timestamp(), attempts = " + std::to_string(end.attempts) +
      ", exit_code = " + (end.exit_code ? std::to_string(*end.exit_code) : "null") +
      ", message = " + quote_literal(end.message) + " where state in ('queued', 'running') and " +
      is_slot(id) + " and runner = " + quote_literal(runner_) +
      "; select exists (select from pgsluice.job_runs where " + is_slot(id) +
      " and runner = " + quote_literal(runner_) + " and state = '" +
      std::string(name_of(end.state)) + "')";
  const auto results = co_await ask(sql, Wanted::to_the_last);
  co_return results.back().boolean(0, 0);
}

asio::awaitable<void> Slots::record_missed(const Job& job, Due due) {
  std::string rows;
  for (const Instant slot : due.missed) {
    std::string message = "nobody was there";
    if (rows.empty() && due.missed_before > 0)
      message += ", as for " + std::to_string(due.missed_before) + " slots before it";
    rows +=
        (rows.empty() ? "values (" : ", (") + timestamp(slot) + ", 'missed', '" + message + "')";
  }
  if (rows.empty()) co_return;
  const std::string sql = insert_run(
      job, "select slot, state, message from (" + rows + ") v (slot, state, message)", runner_);
  co_await ask(sql, Wanted::until_the_end);
}

asio::awaitable<void> Slots::prune(milliseconds keep) {
  // The last one of each job says up to where slots were seen: it stays.
  const std::string sql =
      "delete from pgsluice.job_runs r where finished_at < clock_timestamp() - " + interval(keep) +
      " and slot < (select max(slot) from pgsluice.job_runs m where m.project = r.project "
      "and m.job = r.job)";
  co_await ask(sql, Wanted::to_the_last);
}

std::string difference(const std::string& meaning, const std::string& other) {
  const auto keys_of = [](const std::string& text) {
    std::map<std::string, std::string> keys;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
      const std::size_t equals = std::min(word.find('='), word.size());
      keys.emplace(word.substr(0, equals), word.substr(equals));
    }
    return keys;
  };
  auto theirs = keys_of(other);
  std::string differing;
  const auto add = [&differing](const std::string& key) {
    differing += (differing.empty() ? "" : ", ") + key;
  };
  for (const auto& [key, value] : keys_of(meaning)) {
    const auto found = theirs.extract(key);
    if (found.empty() || found.mapped() != value) add(key);
  }
  for (const auto& [key, value] : theirs) add(key);
  return differing;
}

asio::awaitable<std::vector<RunEntry>> list_runs(pg::Connection& on, std::string project,
                                                 std::string job, std::size_t count) {
  // The history of an older version has no projects.
  const std::string its_project =
      "coalesce(pg_catalog.to_jsonb(r) ->> 'project', '" + std::string(default_project) + "')";
  std::string sql = "select " + its_project + ", job, " + slot_seconds;
  sql +=
      ", state, runner, attempts, date_trunc('second', claimed_at)::text, "
      "coalesce(date_trunc('second', finished_at)::text, ''), coalesce(round(extract(epoch from "
      "finished_at - claimed_at)::numeric, 1)::text, ''), coalesce(exit_code::text, ''), message "
      "from pgsluice.job_runs r where true";
  if (!job.empty()) sql += " and job = " + quote_literal(job);
  if (!project.empty()) sql += " and " + its_project + " = " + quote_literal(project);
  sql += " order by slot desc, 1, job limit " + std::to_string(count);
  const auto results = co_await on.query(sql);
  const pg::Result& rows = results.front();
  std::vector<RunEntry> entries;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const auto text = [&](int column) { return std::string(rows.text(row, column)); };
    entries.push_back({slot_in(rows, row), state_of(rows.text(row, 3)), text(4), rows.count(row, 5),
                       text(6), text(7), text(8), text(9), text(10)});
  }
  co_return entries;
}

}  // namespace sluice::jobs
