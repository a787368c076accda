#include "jobs/slots.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "base/columns.hpp"
#include "base/counted.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/printable.hpp"
#include "jobs/history.hpp"
#include "ledger/ledger.hpp"
#include "pg/await_server.hpp"
#include "pg/batch.hpp"
#include "script/checksum.hpp"

namespace sluice::jobs {
namespace {

RunState state_of(std::string_view name) {
  return value_named<RunState>(name).value_or(RunState::lost);
}

Sql timestamp(Instant slot) { return sql("to_timestamp({})", slot.time_since_epoch().count()); }

Sql interval(milliseconds duration) { return sql("interval '{} milliseconds'", duration.count()); }

/// A word of an enum.
Literal word(RunState state) { return literal(name_of(state)); }

/// A server that loses the connection each time is not asked for ever.
constexpr std::size_t tables_attempts_max = 3;

/// What concerns one job is decided one scheduler at a time. Short, and gone with the transaction.
Sql begin_alone(const std::string& job) {
  return sql(
      "begin; set local lock_timeout = '30s'; select "
      "pg_catalog.pg_advisory_xact_lock(hashtextextended('pgsluice job ' || {}, 0)); ",
      literal(job));
}

// It stands behind a commit too, where the path is the user's again.
constexpr SqlWords clock_query =
    "select (extract(epoch from pg_catalog.clock_timestamp()) operator(pg_catalog.*) 1000)::bigint";

/// What a recovery is seen by: others have not run to their end.
constexpr SqlWords ended_well_or_badly = "('ran', 'failed', 'timed_out', 'lost')";

constexpr auto slot_columns = columns_of({
    {"project", "project"},
    {"job", "job"},
    {"slot", "extract(epoch from slot)::bigint"},
});

/// Of rows whose first columns are `slot_columns`.
SlotId slot_in(const pg::Result& rows, std::size_t row) {
  return {std::string(rows.text(row, slot_columns["project"])),
          std::string(rows.text(row, slot_columns["job"])),
          Instant(std::chrono::seconds(rows.integer(row, slot_columns["slot"])))};
}

Sql is_job(const std::string& project, const std::string& job) {
  return sql("project = {} and job = {}", literal(project), literal(job));
}
Sql is_job(const Job& job) { return is_job(job.project.name, job.name); }

/// Nobody else has said meanwhile that it is something else.
Sql is_followed(const Job& job, const std::string& meaning) {
  return sql("exists (select from pgsluice.jobs where {} and meaning = {})", is_job(job),
             literal(meaning));
}

Sql insert_run(const Job& job, const Sql& slots_query, const std::string& runner) {
  return sql(
      "insert into pgsluice.job_runs (project, job, slot, state, runner, finished_at, message) "
      "select {}, {}, slot, state, {}, case when state in ('queued', 'running') then null else "
      "clock_timestamp() end, message from ({}) s on conflict do nothing",
      literal(job.project.name), literal(job.name), literal(runner), slots_query);
}

Sql is_slot(const SlotId& id) {
  return sql("{} and slot = {}", is_job(id.project, id.job), timestamp(id.slot));
}

Sql under_way(const Sql& its_job, RunState state) {
  return sql("exists (select from pgsluice.job_runs where {} and state = {})", its_job,
             word(state));
}

/// Which state a slot gets, as an SQL expression.
Sql state_of_new(const Job& job) {
  const Sql busy = under_way(is_job(job), RunState::running);
  switch (job.overlap) {
    case Overlap::skip: return sql("case when {} then 'skipped' else 'running' end", busy);
    case Overlap::queue:
      return sql("case when {} then 'skipped' when {} then 'queued' else 'running' end",
                 under_way(is_job(job), RunState::queued), busy);
    case Overlap::cancel: break;
  }
  return sql("case when {} then 'queued' else 'running' end", busy);
}

/// The later run takes the place of those before it, unless it has done so already.
Sql take_place(const Job& job, const std::string& meaning, const SlotId& id) {
  const Sql where =
      sql(" where {} and {} and not exists (select from pgsluice.job_runs where {}) and state = ",
          is_job(job), is_followed(job, meaning), is_slot(id));
  return sql(
      "update pgsluice.job_runs set stop_asked = true{}'running'; update pgsluice.job_runs set "
      "state = 'skipped', finished_at = clock_timestamp(), message = 'a later run took its "
      "place'{}'queued'; ",
      where, where);
}

/// Which project a job is of. Of one that nobody has named: the same job elsewhere is this one.
Sql project_of(const Job& job, const Sql& meanings) {
  if (job.project.is_given) return sql("{}", literal(job.project.name));
  return sql(
      "coalesce((select project from pgsluice.jobs where {}), (select min(project) from "
      "pgsluice.jobs where job = {} and meaning in ({}) having count(*) = 1), {})",
      is_job(job), literal(job.name), meanings, literal(job.project.name));
}

/// The job of before projects had names is this one's, if it is the same. Says so in a row.
Sql take_over(const Job& job) {
  const bool is_default = job.project.name == default_project;
  return sql(
      "update pgsluice.jobs set project = {} where project = {} and job = {} and meaning is null "
      "and schedule = {}{} and not exists (select from pgsluice.jobs where {}) returning project",
      literal(job.project.name), literal(default_project), literal(job.name), literal(job.schedule),
      is_default ? SqlWords(" and false") : SqlWords(""), is_job(job));
}

constexpr auto entered_columns = columns_of({
    {"project", "j.project"},
    {"meaning", "j.meaning"},
    {"follower", "coalesce(j.follower, '')"},
    {"seen", "floor(extract(epoch from greatest(to_timestamp(0), least(l.last, n.now))))::bigint"},
    {"ahead",
     "case when l.last > n.now + interval '1 minute' then coalesce(to_char(l.last, 'YYYY-MM-DD "
     "HH24:MI:SSOF'), l.last::text) else "
     "'' end"},
});

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
asio::awaitable<pg::Results> Slots::ask(Sql question, Wanted wanted) {
  const async::Backoff backoff{limits::retry_delay_min, limits::park_time};
  const auto began = async::Clock::now();
  for (std::size_t attempt = 0;; ++attempt) {
    try {
      const pg::Lease connection = co_await pool_.acquire();
      const Sql text = sql("{}; {}", question, clock_query);
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

Sql Slots::mark_lost(const Sql& more) const {
  return sql(
      "update pgsluice.job_runs set state = 'lost', finished_at = clock_timestamp(), message = "
      "'its scheduler (' || runner || ') went silent', hooks_due = true, hooks_runner = null where "
      "state in ('queued', 'running') and "
      "heartbeat_at < clock_timestamp() - {}{} returning {}",
      interval(lost_after_), more, slot_columns.list());
}

/// False where the connection was lost on the way: what is made is made in one transaction.
asio::awaitable<bool> Slots::make_tables(bool is_last_attempt, milliseconds wait) {
  try {
    const pg::Lease connection = co_await pool_.acquire();
    const ledger::State state = co_await ledger::ask(*connection, ledger::Use::schedule);
    co_await ledger::ensure(*connection, state, ledger::Use::schedule);
  } catch (const pg::PgError& error) {
    const bool passes =
        error.nature() == ErrorNature::lost || error.nature() == ErrorNature::transient;
    // Nobody wants it to be waited for.
    const bool is_away = error.phase == pg::Phase::connect && wait == milliseconds::zero();
    if (is_last_attempt || !passes || is_away) throw;
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
    const bool is_done = co_await make_tables(is_last, wait);
    if (is_done) break;
  }
  // The clock is heard first: whoever asks again does so from then on.
  Sql nothing = sql("select 1");
  co_await ask(std::move(nothing), Wanted::until_the_end);
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

/// A version that took the secrets of flags along has stored another one for the same job: it is
/// known again, and replaced.
Sql Slots::meanings_here(const Job& job) const {
  const Sql meaning = sql("{}", literal(meaning_here(job)));
  if (job.meaning_with_secrets.empty()) return meaning;
  return sql("{}, {}", meaning, literal(job.meaning_with_secrets + " search_path=" + search_path_));
}

/// Not each time: it is said to others, who look now and then.
Sql Slots::keep_following() const {
  if (followed_.empty()) return sql("select 1");
  const Sql values = sql_list(followed_, [](const auto& followed) {
    const auto& [job, meaning] = followed;
    return sql("({}, {}, {})", literal(job.first), literal(job.second), literal(meaning));
  });
  return sql(
      "update pgsluice.jobs set followed_at = clock_timestamp() where (project, job, meaning) in "
      "(values {}) and followed_at < clock_timestamp() - {}",
      values, interval(lost_after_ / 3));
}

/// The ends of its own runs, and those that the scheduler which was to tell them has left behind:
/// it is killed, or went silent.
Sql Slots::take_untold() const {
  if (followed_.empty())
    return sql("select {} from pgsluice.job_runs where false", slot_columns.list());
  const Sql values = sql_list(followed_, [](const auto& followed) {
    return sql("({}, {})", literal(followed.first.first), literal(followed.first.second));
  });
  return sql(
      "update pgsluice.job_runs set hooks_runner = {}, heartbeat_at = clock_timestamp() where "
      "hooks_due and (project, job) in (values {}) and state not in ('queued', 'running') and "
      "(hooks_runner = {} or heartbeat_at < clock_timestamp() - {}) returning {}",
      literal(runner_), values, literal(runner_), interval(lost_after_), slot_columns.list());
}

asio::awaitable<std::optional<RunToTell>> Slots::run_to_tell(SlotId id) {
  pg::Batch batch;
  const auto run = batch.add(run_question(id));
  const auto told = batch.add(
      sql("select hooks_due and hooks_runner = {}, coalesce((select b.state from "
          "pgsluice.job_runs b where b.project = r.project and b.job = r.job and b.slot < r.slot "
          "and b.state in {} order by b.slot desc limit 1), 'ran') <> 'ran' from pgsluice.job_runs "
          "r where {}",
          literal(runner_), ended_well_or_badly, is_slot(id)));
  const auto results = co_await ask(batch.text(), Wanted::to_the_last);
  const std::optional<RunEntry> found = run_in(batch.answer(results, run));
  const pg::Result& says = batch.answer(results, told);
  if (!found || says.rows() == 0 || says.is_null(0, 0) || !says.boolean(0, 0))
    co_return std::nullopt;
  co_return RunToTell{*found, found->state == RunState::ran && says.boolean(0, 1)};
}

asio::awaitable<std::vector<SlotId>> Slots::untold_before(SlotId id) {
  const Sql statement = sql(
      "update pgsluice.job_runs set hooks_runner = {}, heartbeat_at = clock_timestamp() where "
      "hooks_due and {} and slot < {} and state not in ('queued', 'running') and (hooks_runner is "
      "null or heartbeat_at < clock_timestamp() - {}) returning {}",
      literal(runner_), is_job(id.project, id.job), timestamp(id.slot), interval(lost_after_),
      slot_columns.list());
  const auto results = co_await ask(statement, Wanted::to_the_last);
  std::vector<SlotId> before;
  for (std::size_t row = 0; row < results.front().rows(); ++row)
    before.push_back(slot_in(results.front(), row));
  std::ranges::sort(before, {}, &SlotId::slot);
  co_return before;
}

asio::awaitable<void> Slots::note_told(SlotId id, std::string untold) {
  const auto statement = [&](const std::string& message) {
    return sql(
        "update pgsluice.job_runs set hooks_due = false, hooks_message = {} where {} and "
        "hooks_runner = {}",
        literal(message), is_slot(id), literal(runner_));
  };
  // What a program's name is made of is not always what the database can hold.
  const Sql note = statement(printable_ascii(untold));
  co_await ask(note, Wanted::to_the_last);
}

asio::awaitable<std::vector<RunBefore>> Slots::runs_of(std::string project, std::string job,
                                                       Instant later_than) {
  static constexpr auto before = columns_of({
      {"slot", "extract(epoch from slot)::bigint"},
      {"state", "state"},
      {"is_late", "coalesce(finished_at < clock_timestamp() - {}, false)"},
  });
  const Sql question =
      sql("select {} from pgsluice.job_runs where {} and slot > {} order by slot limit {}",
          before.list(interval(limits::slot_late_max)), is_job(project, job), timestamp(later_than),
          limits::missed_slots_max);
  const auto results = co_await ask(question, Wanted::until_the_end);
  const pg::Result& rows = results.front();
  std::vector<RunBefore> runs;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    runs.push_back({Instant(std::chrono::seconds(rows.integer(row, before["slot"]))),
                    state_of(rows.text(row, before["state"])),
                    rows.boolean(row, before["is_late"])});
  co_return runs;
}

/// Throws Failure{usage} where the database's encoding cannot hold its names.
asio::awaitable<pg::Results> Slots::ask_by_name(const Job& job, Sql question) {
  try {
    co_return co_await ask(std::move(question), Wanted::until_the_end);
  } catch (const pg::PgError& error) {
    if (!(error.state == sql_state::untranslatable_character)) throw;
    throw Failure(FailureKind::usage,
                  job.place + ": job \"" + job.name + "\" of project \"" + job.project.name +
                      "\": the database's encoding cannot hold these names, or that of this "
                      "configuration: " +
                      error.message);
  }
}

// A new schedule has missed nothing. Who means the same follows beside others; who means something
// else waits until they are gone, but for a configuration that was edited in its place.
Sql Slots::enter_statements(const Job& job, const Sql& project) const {
  return sql(
      "insert into pgsluice.jobs as j (project, job, schedule, meaning, follower, place, "
      "followed_at) select {}, {}, {}, {}, {}, {}, clock_timestamp() on conflict (project, job) do "
      "update set schedule = excluded.schedule, since = case when j.schedule <> excluded.schedule "
      "then clock_timestamp() else j.since end, meaning = excluded.meaning, follower = "
      "excluded.follower, place = excluded.place, followed_at = excluded.followed_at where "
      "j.meaning is null or j.meaning in ({}) or j.place = excluded.place or "
      "j.followed_at < clock_timestamp() - {}",
      project, literal(job.name), literal(job.schedule), literal(meaning_here(job)),
      literal(runner_), literal(place_), meanings_here(job), interval(lost_after_));
}

asio::awaitable<Entered> Slots::enter(const Job& job) {
  const std::string meaning = meaning_here(job);
  const Sql project = project_of(job, meanings_here(job));
  pg::Batch batch(begin_alone(job.name));
  const auto taken_over = batch.add(take_over(job));
  batch.add(enter_statements(job, project));
  const auto entered_job =
      batch.add(sql("select {} from pgsluice.jobs j cross join lateral (select "
                    "greatest(j.since, (select max(slot) from pgsluice.job_runs r where r.project "
                    "= j.project and r.job = j.job))) as l (last) cross join (select "
                    "clock_timestamp()) as n (now) where j.job = {} and j.project = {}",
                    entered_columns.list(), literal(job.name), project));
  batch.add(sql("commit"));
  const auto results = co_await ask_by_name(job, batch.text());
  const pg::Result& found = batch.answer(results, entered_job);
  Entered entered{.project = std::string(found.text(0, entered_columns["project"])),
                  .seen = Instant(std::chrono::seconds(found.integer(0, entered_columns["seen"]))),
                  .ahead = std::string(found.text(0, entered_columns["ahead"])),
                  .took_over = batch.answer(results, taken_over).rows() > 0,
                  .refused_by = {},
                  .differs_in = {}};
  const std::string theirs(found.text(0, entered_columns["meaning"]));
  const std::pair key{entered.project, job.name};
  if (theirs == meaning) {
    followed_[key] = meaning;
  } else {
    followed_.erase(key);
    entered.refused_by = found.text(0, entered_columns["follower"]);
    entered.differs_in = difference(meaning, theirs);
  }
  co_return entered;
}

asio::awaitable<Claim> Slots::claim(const Job& job, Instant slot) {
  static constexpr auto claimed = columns_of({{"state", "state"}, {"is_ours", "runner = {}"}});
  const SlotId id{job.project.name, job.name, slot};
  const bool keeps_all = job.catchup == Catchup::all;
  const std::string meaning = meaning_here(job);
  const Sql followed = is_followed(job, meaning);
  Sql row =
      sql("select {} as slot, state, case when state = 'skipped' then 'the run before it has not "
          "ended' else '' end as message from (select {} as state) n where {}",
          timestamp(slot), keeps_all ? sql("'running'") : state_of_new(job), followed);
  if (keeps_all) row += sql(" and not {}", under_way(is_job(job), RunState::running));
  Sql before = sql("{}{}; ", begin_alone(job.name), mark_lost(sql(" and {}", is_job(job))));
  if (job.overlap == Overlap::cancel) before += take_place(job, meaning, id);
  pg::Batch batch(before);
  batch.add(insert_run(job, row, runner_));
  const auto claim = batch.add(sql("select {} from pgsluice.job_runs where {}",
                                   claimed.list(literal(runner_)), is_slot(id)));
  const auto still_followed = batch.add(sql("select {}", followed));
  batch.add(sql("commit"));
  const auto results = co_await ask(batch.text(), Wanted::until_the_end);
  const pg::Result& found = batch.answer(results, claim);
  if (found.rows() == 0) {
    const bool refused = !batch.answer(results, still_followed).boolean(0, 0);
    co_return Claim{.state = std::nullopt, .busy = !refused, .refused = refused};
  }
  if (!found.boolean(0, claimed["is_ours"])) co_return Claim{};
  co_return Claim{
      .state = state_of(found.text(0, claimed["state"])), .busy = false, .refused = false};
}

asio::awaitable<RunState> Slots::promote(SlotId id) {
  const Sql its_job = is_job(id.project, id.job);
  pg::Batch batch(sql("{}{}; ", begin_alone(id.job), mark_lost(sql(" and {}", its_job))));
  batch.add(
      sql("update pgsluice.job_runs set state = 'running', claimed_at = clock_timestamp(), "
          "heartbeat_at = clock_timestamp() where state = 'queued' and {} and not {}",
          is_slot(id), under_way(its_job, RunState::running)));
  const auto state = batch.add(sql("select state from pgsluice.job_runs where {}", is_slot(id)));
  batch.add(sql("commit"));
  const auto results = co_await ask(batch.text(), Wanted::until_the_end);
  const pg::Result& found = batch.answer(results, state);
  co_return found.rows() == 0 ? RunState::lost : state_of(found.text(0, 0));
}

asio::awaitable<Heartbeat> Slots::beat() {
  pg::Batch batch;
  const auto of_ours = batch.add(
      sql("update pgsluice.job_runs set heartbeat_at = clock_timestamp() where state in ('queued', "
          "'running') and runner = {} returning {}, stop_asked",
          literal(runner_), slot_columns.list()));
  const auto of_lost = batch.add(mark_lost({}));
  const auto of_untold = batch.add(take_untold());
  batch.add(keep_following());
  const auto results = co_await ask(batch.text(), Wanted::to_the_last);
  Heartbeat heartbeat;
  const pg::Result& ours = batch.answer(results, of_ours);
  for (std::size_t row = 0; row < ours.rows(); ++row) {
    const bool is_stop_asked = ours.boolean(row, slot_columns.size());
    if (is_stop_asked) heartbeat.stop_asked.push_back(slot_in(ours, row));
  }
  const pg::Result& lost = batch.answer(results, of_lost);
  for (std::size_t row = 0; row < lost.rows(); ++row) heartbeat.lost.push_back(slot_in(lost, row));
  const pg::Result& untold = batch.answer(results, of_untold);
  for (std::size_t row = 0; row < untold.rows(); ++row)
    heartbeat.untold.push_back(slot_in(untold, row));
  std::ranges::sort(heartbeat.untold, {}, &SlotId::slot);
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
  const Sql statements = sql(
      "update pgsluice.job_runs set state = {}, finished_at = clock_timestamp(), attempts = {}, "
      "exit_code = {}, message = {}, hooks_due = {}, hooks_runner = runner where state in "
      "('queued', 'running') and {} and runner = {}; "
      "select exists (select from pgsluice.job_runs where {} and runner = {} and state = {})",
      word(end.state), end.attempts, end.exit_code ? sql("{}", *end.exit_code) : sql("null"),
      literal(end.message), end.is_told ? SqlWords("true") : SqlWords("false"), is_slot(id),
      literal(runner_), is_slot(id), literal(runner_), word(end.state));
  const auto results = co_await ask(statements, Wanted::to_the_last);
  co_return results.back().boolean(0, 0);
}

asio::awaitable<std::vector<SlotLeftOut>> Slots::record(const Job& job,
                                                        std::vector<SlotLeftOut> left_out) {
  if (left_out.empty()) co_return left_out;
  const Sql rows = sql_list(left_out, [](const SlotLeftOut& one) {
    return sql("({}, {}, {})", timestamp(one.slot), word(one.state), literal(one.message));
  });
  const Sql slots =
      sql("select slot, state, message from (values {}) v (slot, state, message)", rows);
  const Sql statement =
      sql("{} returning extract(epoch from slot)::bigint", insert_run(job, slots, runner_));
  const auto results = co_await ask(statement, Wanted::until_the_end);
  std::set<Instant> recorded;
  for (std::size_t row = 0; row < results.front().rows(); ++row)
    recorded.insert(Instant(std::chrono::seconds(results.front().integer(row, 0))));
  std::erase_if(left_out, [&](const SlotLeftOut& one) { return !recorded.contains(one.slot); });
  co_return left_out;
}

asio::awaitable<void> Slots::prune(milliseconds keep) {
  // The last one of each job says up to where slots were seen: it stays. So does the last one that
  // ended well or badly, which a recovery is told by, and the last success.
  const SqlWords of_its_job =
      "from pgsluice.job_runs m where m.project = r.project and m.job = r.job";
  const Sql statement = sql(
      "delete from pgsluice.job_runs r where finished_at < clock_timestamp() - {} and slot < "
      "(select max(slot) {}) and slot is distinct from (select max(slot) {} and m.state in {}) and "
      "slot is distinct from (select max(slot) {} and m.state = 'ran')",
      interval(keep), of_its_job, of_its_job, ended_well_or_badly, of_its_job);
  co_await ask(statement, Wanted::to_the_last);
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

}  // namespace sluice::jobs
