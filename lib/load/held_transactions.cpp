#include "load/held_transactions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "async/deadline.hpp"
#include "async/retry.hpp"
#include "base/limits.hpp"
#include "load/retry_policy.hpp"
#include "writer/judges_whole.hpp"

namespace sluice::load {
namespace {

/// No transaction of the load is left, of a connection that was lost: it would keep its locks, and
/// may be about to commit.
asio::awaitable<void> end_former_ones(pg::Connection& on, LoadId load) {
  const auto deadline = async::Deadline::after(limits::lock_patience);
  for (;;) {
    const bool are_gone = co_await writer::end_tagged(on, writer::tag_of_load(load));
    if (are_gone) co_return;
    if (deadline.passed()) break;
    co_await async::sleep_for(limits::lock_poll);
  }
  throw pg::PgError(pg::Phase::storing, SqlState(sql_state::connection_failure),
                    "the transaction of a lost connection is still at work");
}

asio::awaitable<void> require_prepared(const plan::Plan& plan, pg::Connection& on) {
  const ledger::PreparedRoom room = co_await ledger::prepared_room(on);
  if (room.most > 0) co_return;
  throw Failure(FailureKind::usage,
                "--atomic=prepared: this server prepares no transactions "
                "(max_prepared_transactions is 0)",
                fmt::format("Set that to {} or more there, and start it again; or leave out "
                            "=prepared.",
                            plan.jobs));
}

/// Whether one of the load's sessions waits, by itself or by way of others, for one of them: its
/// statement is cancelled then. They are known by number, or by what they say (one that has not
/// begun yet, behind a pooler). Which of them extends a relation is soon over.
Sql cancel_stuck(const Sql& backends, LoadId load) {
  static constexpr SqlWords hop =
      "pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) b (pid) where not exists (select from "
      "pg_catalog.pg_locks k where k.pid = w.pid and not k.granted and k.locktype = 'extend')";
  return sql(
      "with recursive own (pid) as (values {} union select a.pid from pg_catalog.pg_stat_activity "
      "a where a.datname = current_database() and a.usename = current_user and "
      "starts_with(a.query, {})), waits (first, pid) as (select w.pid, b.pid from own w, {} union "
      "select w.first, b.pid from waits w, {}) select "
      "count(pg_catalog.pg_cancel_backend(stuck.first)) from (select distinct w.first from waits w "
      "where w.pid in (select own.pid from own)) stuck",
      backends, literal(writer::tag_of_load(load)), hop, hop);
}

}  // namespace

asio::awaitable<void> choose_way(Run& run, plan::Plan& plan) {
  pg::Lease connection = co_await run.on.pool.acquire();
  const std::string reason = co_await writer::judges_whole(*connection, plan.target.table.id);
  if (reason.empty() && plan.strategy.prepared) co_await require_prepared(plan, *connection);
  if (reason.empty()) co_return;
  const std::string table = plan.target.table.full_name();
  if (plan.options.atomic_way != plan::AtomicWay::automatic) {
    const std::string_view way = name_of(plan.options.atomic_way);
    throw Failure(FailureKind::usage,
                  fmt::format("--atomic={}: {} {}, and rows that come by several statements may be "
                              "judged otherwise there than by one",
                              way, table, reason),
                  fmt::format("Leave out ={}: the rows wait in a staging table then.", way));
  }
  plan::stage_instead(plan.strategy, plan.encoder, table + " " + reason);
}

asio::awaitable<void> fit_to_room(Run& run, plan::Plan& plan) {
  pg::Lease connection = co_await run.on.pool.acquire();
  const ledger::PreparedRoom room = co_await ledger::prepared_room(*connection);
  if (room.taken >= room.most) {
    throw Failure(FailureKind::failed,
                  fmt::format("--atomic=prepared: all {} transactions that the server lets be "
                              "prepared are taken",
                              room.most),
                  "Raise max_prepared_transactions, or leave out =prepared.");
  }
  const std::size_t free = room.most - room.taken;
  if (free >= plan.jobs) co_return;
  run.note(fmt::format("no more than {}, as the server has no room to prepare more transactions",
                       free == 1 ? "one connection" : std::to_string(free) + " connections"));
  plan.jobs = free;
  run.report.plan = plan.summary();
}

HeldTransactions::HeldTransactions(Run& run, plan::Plan& plan, const ledger::NewLoad& entry,
                                   const asio::any_io_executor& executor)
    : run_(run),
      plan_(plan),
      entry_(entry),
      turns_(executor, plan.writers()),
      opening_(executor, 1) {}

asio::awaitable<void> HeldTransactions::begin(writer::Writer& writer) {
  writer_ = &writer;
  if (!parts_.empty()) {
    writer.go_on_in_them();
    co_return;
  }
  is_stuck_ = false;
  watcher_.reset();  // it may have been left in the middle of a question
  turns_.resize(plan_.writers());
  pg::Lease lease = co_await run_.on.pool.acquire();
  Sql first;
  if (plan_.options.truncate) {
    first = ledger::empties_table_statement(entry_, *run_.report.load);
    first += plan::truncate_statement(plan_);
  }
  if (plan_.strategy.prepared)
    attempt_ = co_await ledger::begin_attempt(*lease, *run_.report.load, attempts_++);
  co_await open_part(std::move(lease), std::move(first));
}

asio::awaitable<void> HeldTransactions::open_part(pg::Lease lease, Sql first) {
  co_await writer_->begin_all(*lease, first);
  int backend = 0;
  if (plan_.strategy.prepared) {
    const auto answer = co_await lease->query_in_user_path("select pg_catalog.pg_backend_pid()");
    backend = answer.back().integer_32(0, 0);
  }
  parts_.push_back(Part{std::move(lease), backend});
}

/// False where the server has no room for its connection, or for one that watches them. What waits
/// for a connection that is lent would wait for the end of the load.
asio::awaitable<bool> HeldTransactions::open_another() {
  const auto turn = co_await opening_.acquire();
  if (!co_await has_watcher()) co_return false;
  pg::Pool& pool = run_.on.pool;
  if (pool.statistics().idle == 0) co_await pool.open_ahead();
  if (pool.statistics().idle == 0) co_return false;
  std::optional<pg::PgError> refused;
  try {
    pg::Lease lease = co_await pool.acquire();
    co_await open_part(std::move(lease), Sql());
    co_return true;
  } catch (const pg::PgError& error) {
    refused = error;
  }
  // It waited for somebody who waits for those that are open: they go on without it.
  if (refused->state == sql_state::query_canceled && is_stuck_) co_return false;
  throw pg::PgError(*refused);
}

asio::awaitable<bool> HeldTransactions::has_watcher() {
  if (watcher_) co_return true;
  try {
    watcher_ = co_await pg::Connection::open(run_.on.pool.options());
  } catch (const pg::PgError&) {
    co_return false;
  }
  co_return true;
}

asio::awaitable<HeldTransactions::Turn> HeldTransactions::take() {
  for (;;) {
    async::Semaphore::Permit permit = co_await turns_.acquire();
    const auto free = [this] { return std::ranges::find(parts_, false, &Part::is_busy); };
    if (free() == parts_.end() && !co_await open_another()) {
      turns_.resize(std::max<std::size_t>(parts_.size(), 1));
      continue;
    }
    if (const auto part = free(); part != parts_.end()) co_return Turn(std::move(permit), *part);
  }
}

/// By a connection of its own: it is cancelled in the middle of a question.
asio::awaitable<void> HeldTransactions::watch() {
  for (;;) {
    co_await async::sleep_for(limits::session_look);
    if (parts_.empty() || !watcher_) continue;
    bool is_lost = false;
    try {
      co_await look_for_stuck(*watcher_);
    } catch (const pg::PgError&) {
      is_lost = true;
    }
    if (is_lost) watcher_.reset();
    if (is_lost) co_await has_watcher();
  }
}

asio::awaitable<void> HeldTransactions::look_for_stuck(pg::Connection& connection) {
  const Sql backends = sql_list(parts_, [](const Part& part) { return sql("({})", part.backend); });
  const Sql question = cancel_stuck(backends, *run_.report.load);
  const auto answers = co_await connection.query(question);
  if (answers.back().count(0, 0) > 0) is_stuck_ = true;
}

asio::awaitable<ledger::StoredChunks> HeldTransactions::stored_chunks() {
  ledger::StoredChunks all;
  for (const Part& part : parts_) {
    const Sql own_path = pg::own_path;
    co_await part.lease->query(own_path);
    all.merge(co_await ledger::stored_chunks(*part.lease, *run_.report.load));
  }
  co_return all;
}

asio::awaitable<Finished> HeldTransactions::finish(const Ending& ending) {
  if (plan_.strategy.prepared) co_return co_await finish_prepared(ending);
  co_return co_await finish_in_one(ending);
}

asio::awaitable<Finished> HeldTransactions::finish_in_one(const Ending& ending) {
  Finished finished;
  pg::Connection& on = *parts_.front().lease;
  const std::string tag = writer::tag_of_load(ending.load) + "*/ ";
  const Sql end = sql("{}{}", pg::own_path, finish_statement(ending));
  const auto answers = co_await on.query(tag + end.text());
  finished.end = ledger::read_finish(answers.back(), ending.read);
  if (!finished.end.finished) {
    give_up();
    co_return finished;
  }
  co_await on.query(plan_.target.user_path_sql);
  if (ends_with_more(plan_.options)) {
    co_await end_with_more(plan_, on, "nothing comes into the table", finished.notes);
  } else {
    co_await on.query_in_user_path(tag + "commit");
  }
  give_up();
  co_return finished;
}

namespace {

/// A load of which all is prepared, over all attempts to end it.
struct Settling {
  Resources on;
  ledger::Attempt attempt;
  std::size_t parts;
  Ending ending;
  bool is_decided = false;
  bool is_refused = false;  ///< the decision: the load is not this run's any more
  std::size_t committed = 0;
  ledger::Finish end;
};

/// Each step is found done where its answer was lost.
asio::awaitable<void> settle(Settling& s) {
  pg::Lease lease = co_await s.on.pool.acquire();
  if (!s.is_decided) s.is_decided = co_await ledger::decide(*lease, s.attempt);
  s.is_refused = !s.is_decided;
  if (s.is_refused) co_return;
  for (; s.committed < s.parts; ++s.committed)
    co_await ledger::commit_part(*lease, s.attempt, s.committed);
  s.end = co_await ledger::finish_load(*lease, s.ending.load, s.ending.read, s.ending.seconds,
                                       s.ending.entry.source_stamp);
  if (s.end.finished) co_return;
  const auto entry = co_await ledger::show_load(*lease, s.ending.load);
  if (entry && entry->finished()) s.end = {s.ending.load, true, false, entry->totals};
}

/// What has to be known of one that could not be ended.
Failure not_settled(const Settling& s, const pg::PgError& error) {
  const std::string state =
      s.is_decided ? fmt::format(
                         "load {} is decided, and {} of its {} prepared transactions are "
                         "committed",
                         s.ending.load.value, s.committed, s.parts)
                   : fmt::format(
                         "whether load {} is decided is not known, and its {} prepared "
                         "transactions wait",
                         s.ending.load.value, s.parts);
  return {FailureKind::failed, fmt::format("{}: {}", state, error.message),
          "The same command ends them, and finishes the load."};
}

Failure lost_part(const Settling& s) {
  return {FailureKind::failed,
          fmt::format("load {} was decided, and {} of its {} chunks are not in the table: somebody "
                      "has rolled back a prepared transaction",
                      s.ending.load.value, s.ending.read.chunks - s.end.totals.chunks,
                      s.ending.read.chunks),
          "The same command brings them."};
}

}  // namespace

/// All that the parts have of the load, which nobody else sees.
asio::awaitable<ledger::Totals> HeldTransactions::sum_up() {
  ledger::Totals all;
  for (const auto& [number, chunk] : co_await stored_chunks()) {
    ++all.chunks;
    all.bytes += chunk.byte_count;
    all.records_read += chunk.records_read;
    all.counts += chunk.counts;
    all.rows_rejected += chunk.rows_rejected;
  }
  co_return all;
}

/// All parts; how many.
asio::awaitable<std::size_t> HeldTransactions::prepare(LoadId load) {
  const std::string tag = writer::tag_of_load(load) + "*/ ";
  std::size_t prepared = 0;
  std::optional<pg::PgError> refused;
  try {
    for (const Part& part : parts_) {
      std::string statement = tag;
      statement += ledger::prepare_statement(attempt_, prepared++).text();
      co_await part.lease->query_in_user_path(std::move(statement));
    }
  } catch (const pg::PgError& error) {
    refused = error;
  }
  give_up();
  run_.report.is_prepared = !refused;
  if (!refused) co_return prepared;
  if (refused->nature() == ErrorNature::lost) throw pg::PgError(*refused);
  pg::Lease connection = co_await run_.on.pool.acquire();
  co_await ledger::conclude(*connection, load);
  throw Failure(
      FailureKind::failed,
      fmt::format("--atomic=prepared: PREPARE TRANSACTION: {}{}; nothing was stored",
                  refused->message, refused->hint.empty() ? "" : " (" + refused->hint + ")"),
      "Leave out =prepared: how all of it comes at once is chosen then.");
}

asio::awaitable<Finished> HeldTransactions::finish_prepared(const Ending& ending) {
  Finished finished;
  const ledger::Totals totals = co_await sum_up();
  const ledger::Read& read = ending.read;
  if (totals.chunks != read.chunks || totals.bytes != read.bytes ||
      totals.records_read != read.records) {
    give_up();
    finished.end = {ending.load, false, false, totals};
    co_return finished;
  }
  run_.report.is_prepared = true;  // also for whoever stops it in the middle
  const std::size_t parts = co_await prepare(ending.load);
  Settling settling{run_.on, attempt_, parts, ending, false, false, 0, {}};
  const RetryPolicy policy{plan_.options.retry_for, retry_backoff, true};
  const auto settle_it = [&settling] { return settle(settling); };
  const auto decide = [this, &policy](const std::exception_ptr& failure, std::size_t tries,
                                      std::chrono::milliseconds elapsed) {
    const auto delay = run_.is_stopped ? std::nullopt : policy.next(failure, tries, elapsed);
    if (delay) ++run_.progress.retries;
    return delay;
  };
  std::optional<pg::PgError> failed;
  try {
    co_await async::retry(settle_it, decide);
  } catch (const pg::PgError& error) {
    failed = error;
  }
  run_.report.is_prepared = failed.has_value();
  if (failed) run_.report.begins_again = false;
  if (failed) {
    const Failure failure = not_settled(settling, *failed);
    // Of one that was stopped nothing else is told.
    if (run_.is_stopped) run_.note(failure.problem() + ". " + failure.advice());
    throw Failure(failure);
  }
  if (settling.is_refused) {
    pg::Lease connection = co_await run_.on.pool.acquire();
    co_await ledger::conclude(*connection, ending.load);
    settling.end = {ending.load, false, true, {}};
  } else if (!settling.end.finished && !settling.end.is_void) {
    run_.report.begins_again = false;
    throw lost_part(settling);
  }
  finished.end = settling.end;
  co_return finished;
}

/// What the load has brought, if its commit went well.
asio::awaitable<std::optional<ledger::Totals>> HeldTransactions::ask_what_became_of_it() {
  pg::Lease connection = co_await run_.on.pool.acquire();
  co_await end_former_ones(*connection, *run_.report.load);
  co_await ledger::conclude(*connection, *run_.report.load);
  const auto entry = co_await ledger::show_load(*connection, *run_.report.load);
  if (!entry || !entry->finished()) co_return std::nullopt;
  co_return entry->totals;
}

void HeldTransactions::go_on_in_one(const pg::PgError& error) {
  static constexpr const char* what =
      "two of its connections waited for each other (a key that two records have, far apart?)";
  if (plan_.source->comes_once()) {
    throw Failure(FailureKind::failed,
                  fmt::format("--atomic=prepared: {}, and the source cannot be read twice: {}",
                              what, error.message),
                  "--atomic=transaction needs one connection, and --atomic=resumable holds none.");
  }
  run_.note(fmt::format("{}: all of it is sent again, in one transaction", what));
  plan_.strategy.prepared = false;
  plan_.strategy.in_one = true;
  run_.report.plan = plan_.summary();
}

asio::awaitable<bool> HeldTransactions::recover(pg::PgError error) {
  give_up();
  const RetryPolicy policy{plan_.options.retry_for, retry_backoff, true};
  const bool is_stuck = plan_.strategy.prepared && !run_.is_stopped &&
                        ((is_stuck_ && error.state == sql_state::query_canceled) ||
                         error.state == sql_state::deadlock_detected);
  const bool may_pass =
      policy.next(error, 0, std::chrono::milliseconds(0), 0).has_value() && !run_.is_stopped;
  if (is_stuck) {
    go_on_in_one(error);
  } else if (!may_pass || ++mishaps_ > limits::resend_rounds_max) {
    throw pg::PgError(error);
  }
  ++run_.progress.retries;
  std::optional<ledger::Totals> stored;
  const auto ask = [this, &stored]() -> asio::awaitable<void> {
    stored = co_await ask_what_became_of_it();
  };
  const auto decide = [this, &policy](const std::exception_ptr& failure, std::size_t tries,
                                      std::chrono::milliseconds elapsed) {
    return run_.is_stopped ? std::nullopt : policy.next(failure, tries, elapsed);
  };
  co_await async::retry(ask, decide);
  run_.take_over(stored.value_or(ledger::Totals{}));
  run_.report.now = run_.report.total;
  run_.report.bytes = stored ? stored->bytes : 0;
  if (stored) co_return true;
  if (is_stuck) co_return false;
  if (plan_.source->comes_once()) throw pg::PgError(error);
  run_.note(fmt::format("{}: the transaction was taken back, and all of the source is sent again",
                        error.message));
  co_return false;
}

}  // namespace sluice::load
