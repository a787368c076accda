#include "load/load.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <thread>

#include "async/offload.hpp"
#include "async/run_beside.hpp"
#include "async/task_group.hpp"
#include "base/quantity.hpp"
#include "load/at_once.hpp"
#include "load/data_encoding.hpp"
#include "load/explain.hpp"
#include "load/last_record.hpp"
#include "load/restore.hpp"
#include "load/road.hpp"
#include "load/staging.hpp"
#include "writer/table_name.hpp"

namespace sluice::load {
namespace {

using async::Clock;

std::string count_of_indexes(std::size_t count) {
  return count == 1 ? "1 index" : std::to_string(count) + " indexes";
}

}  // namespace

/// What is found out before the plan is made.
struct Load::Findings {
  explicit Findings(const asio::any_io_executor& executor) : changed(executor) {}

  std::optional<Beginning> beginning;
  bool is_connected = false;
  bool has_no_room = false;  ///< the server refused a connection for want of room
  async::Event changed;      ///< one of these
  writer::Target target;
  std::vector<writer::UniqueKey> unique_keys;
  writer::SecondaryIndexes indexes;
  std::size_t jobs = 1;
};

Load::Load(Resources on, LoadOptions options) : on_(on), options_(std::move(options)) {}
Load::~Load() = default;

asio::awaitable<void> Load::run() {
  Wanted wanted(options_);
  std::exception_ptr failed;
  try {
    co_await run_to_the_end();
  } catch (...) {
    failed = std::current_exception();
  }
  if (failed && !stop_requested_) failed = co_await explain(on_.pool, std::move(wanted), failed);
  if (!failed && options_.more_follows) co_await let_go();
  lock_.reset();
  if (rejects_) rejects_->leave();
  if (failed) std::rethrow_exception(failed);
}

/// The lock's connection serves the next load of the command.
asio::awaitable<void> Load::let_go() {
  if (!lock_) co_return;
  std::unique_ptr<pg::Connection> connection = std::move(*lock_).release();
  try {
    co_await connection->query("rollback");
    on_.pool.put(std::move(connection));
  } catch (const pg::PgError&) {
    // The load is done; the next one opens another.
  }
}

asio::awaitable<void> Load::run_to_the_end() {
  const auto began = Clock::now();
  if (stop_requested_) throw interrupted(report_);
  Plan plan = co_await prepare_to_run();
  report_.plan = plan.summary();
  progress_.bytes_total = plan.identity.source_bytes;
  progress_.bytes_done = plan.preamble.start.byte_offset;
  progress_.bytes_before = progress_.bytes_done;

  async::TaskGroup ahead(co_await asio::this_coro::executor);
  // A distant server's connections take longer than asking its ledger.
  for (std::size_t i = 1; i < plan.jobs && !is_small() && !plan.options.dry_run; ++i)
    ahead.spawn(on_.pool.open_ahead());
  std::exception_ptr failed;
  try {
    asio::awaitable<void> run = run_plan(plan);
    co_await async::run_beside(std::move(run), ahead);
  } catch (...) {
    failed = std::current_exception();
  }
  if (on_.pool.refusals() > 0) {
    report_.notes.push_back(fmt::format(
        "the server had no room for {} connections, so there were fewer at times (see --jobs)",
        plan.jobs));
  }
  if (!failed) note_last_record(plan, report_);
  report_.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  report_.retries = progress_.retries;
  if (failed) std::rethrow_exception(failed);
}

asio::awaitable<void> Load::run_plan(Plan& plan) {
  if (plan.options.dry_run) {
    report_.status = LoadReport::Status::dry_run;
  } else if (plan.options.check) {
    co_await run_check(plan);
  } else if (plan.options.use_ledger) {
    co_await run_with_ledger(plan);
  } else {
    co_await run_without_ledger(plan);
  }
}

/// Three things at once: how the source begins, what the table is, and (once the beginning is
/// known) the lock that keeps a second run of this load away. A source of one chunk is in the table
/// before a connection for its lock would be open: the transaction that enters it in the ledger
/// holds it.
asio::awaitable<Plan> Load::prepare_to_run() {
  writer::require_table_name(options_.table);
  source_ = source::open(options_.path);
  report_.file = source_->file();
  first_chunk_bytes_ = chunk::bytes_of_chunk(0, options_.chunk_bytes);
  const auto executor = co_await asio::this_coro::executor;
  Findings found(executor);
  async::TaskGroup tasks(executor);
  tasks.spawn(read_source(found));
  tasks.spawn(or_stop_reading(describe_target(found)));
  if (!options_.check && !options_.dry_run && !is_small())
    tasks.spawn(or_stop_reading(lock(found)));
  co_await tasks.join();
  // A source that was stopped looks like one that ended.
  if (stop_requested_) throw interrupted(report_);
  co_await bring_together(on_.pool, found.target.data_encoding, *found.beginning, options_);
  Plan plan =
      make_plan(std::move(options_), *source_, std::move(*found.beginning), std::move(found.target),
                std::move(found.unique_keys), std::move(found.indexes), found.jobs);
  for (std::string& note : plan.strategy.notes) report_.notes.push_back(std::move(note));
  report_.is_staged = plan.strategy.staged;
  on_.pool.allow(plan.jobs);
  co_return plan;
}

bool Load::is_small() const {
  const std::optional<std::uint64_t> length = source_->length();
  return length && *length <= first_chunk_bytes_;
}

/// A source that says nothing must not keep an error from being told.
asio::awaitable<void> Load::or_stop_reading(asio::awaitable<void> task) {
  try {
    co_await std::move(task);
  } catch (...) {
    source_->stop();
    throw;
  }
}

asio::awaitable<void> Load::read_source(Findings& found) {
  const auto read = [this] { return read_beginning(*source_, options_); };
  found.beginning = co_await async::offload(on_.reader, read);
  found.changed.notify();
}

asio::awaitable<void> Load::describe_target(Findings& found) {
  const RetryPolicy policy{options_.retry_for, retry_backoff, options_.use_ledger};
  const auto on_full = [&found] {
    found.has_no_room = true;
    found.changed.notify();
  };
  std::unique_ptr<pg::Connection> opened = co_await on_.pool.take_idle();
  if (!opened) opened = co_await open_first(on_.pool.options(), policy, on_full);
  on_.pool.put(std::move(opened));
  found.is_connected = true;
  found.changed.notify();
  pg::Lease connection = co_await on_.pool.acquire();
  found.target = co_await writer::describe(*connection, options_.table, options_.settings);
  if (options_.on_conflict != writer::OnConflict::error)
    found.unique_keys = co_await writer::unique_keys(*connection, found.target.table);
  if (options_.defer_indexes)
    found.indexes = co_await writer::secondary_indexes(*connection, found.target.table);
  if (options_.jobs > 0 || is_small()) co_return;
  // Nothing to do, so that it is the distance that is measured and not the catalogs.
  co_await connection->query("");
  found.jobs = default_jobs(std::thread::hardware_concurrency(), connection->fastest_answer());
}

/// Nothing where the server has no room for it: the rows matter more than the lock, which is
/// manners.
asio::awaitable<std::unique_ptr<pg::Connection>> Load::connection_for_lock() {
  const RetryPolicy policy{options_.retry_for, retry_backoff, options_.use_ledger};
  std::unique_ptr<pg::Connection> connection = co_await on_.pool.take_idle();
  if (!connection) connection = co_await open_first(on_.pool.options(), policy, nullptr);
  if (!connection) note_missing_lock();
  co_return connection;
}

void Load::note_missing_lock() {
  report_.notes.push_back(
      "the server has no room for a connection that keeps a second run of this load away: see that "
      "there is none");
}

asio::awaitable<void> Load::lock(Findings& found) {
  std::unique_ptr<pg::Connection> connection = co_await connection_for_lock();
  if (!connection) co_return;
  while (!found.has_no_room && !(found.is_connected && found.beginning))
    co_await found.changed.wait();
  if (found.has_no_room) {  // this one may have taken the last place
    note_missing_lock();
    co_return;
  }
  // Found once more, at the same time as by describe(): its answer need not be waited for.
  std::string find = writer::find_target(options_.table, options_.settings);
  ledger::RunLockNames names{
      .target = "pg_catalog.current_setting('pgsluice.target')",
      .fingerprint = options_.use_ledger ? found.beginning->fingerprint : std::string(),
      .head = options_.use_ledger ? found.beginning->head : std::string(),
      .is_stream = source_->comes_once(),
      .empties_table = options_.truncate};
  lock_ = co_await ledger::RunLock::take(std::move(connection), std::move(find), std::move(names));
}

/// Nothing is kept, so nothing is locked, entered or resumed.
asio::awaitable<void> Load::run_check(Plan& plan) {
  if (!plan.options.rejects_path.empty()) co_await choose_rejects(plan, {});
  open_rejects(plan);
  co_await move(plan, {});
  require_unchanged_source(plan);
  report_.records_read = records_read_;
  report_.status = LoadReport::Status::checked;
}

asio::awaitable<void> Load::run_without_ledger(Plan& plan) {
  co_await choose_rejects(plan, {});
  open_rejects(plan);
  if (plan.options.truncate) {
    pg::Lease connection = co_await on_.pool.acquire();
    std::string settings = plan.target.settings_sql;
    if (lock_) {
      co_await connection->query("begin; " + truncate_statement(plan) + plan.target.user_path_sql +
                                 "commit");
    } else {
      ledger::RunLockNames names = lock_names(plan);
      names.fingerprint.clear();
      co_await ledger::RunLock::begin_locked(*connection, std::move(settings), std::move(names),
                                             "select 1");
      co_await connection->query(truncate_statement(plan) + plan.target.user_path_sql + "commit");
    }
  }
  co_await move(plan, {});
  if (rejects_) {
    const auto settle = [this] { return rejects_->settle([](std::int64_t) { return true; }); };
    co_await async::offload(on_.cpu, settle);
  }
  require_unchanged_source(plan);
  report_.records_read = records_read_;
  static_cast<RowCounts&>(report_) = report_.now;
  report_.status = LoadReport::Status::stored;
}

/// The short way, where there is one and nothing stands in it.
asio::awaitable<bool> Load::run_at_once(Plan& plan) {
  const LoadOptions& o = plan.options;
  const bool may = is_small() && !lock_ && plan.target.ledger == ledger::State::complete &&
                   !o.truncate && !o.defer_indexes && plan.strategy.is_plain(plan.target.table);
  if (!may) co_return false;
  progress_.stage = Progress::Stage::loading;
  const std::optional<StoredAtOnce> stored = co_await store_at_once(on_, plan);
  if (!stored) co_return false;
  report_.load = stored->end.load;
  report(stored->end.totals);
  report_.now = report_;
  report_.bytes = stored->bytes;
  progress_.rows_stored = report_.rows_stored;
  progress_.bytes_done += stored->bytes;
  report_.status = LoadReport::Status::stored;
  co_return true;
}

asio::awaitable<void> Load::run_with_ledger(Plan& plan) {
  const bool is_done = co_await run_at_once(plan);
  if (is_done) co_return;
  if (!co_await enter(plan)) {
    if (plan.options.defer_indexes) co_await restore(plan);  // that an earlier file has left
    require_indexes();
    co_return;
  }
  if (!plan.deferred_indexes.empty()) {
    report_.notes.push_back(fmt::format("dropped {} of {} until the rows are in",
                                        count_of_indexes(plan.deferred_indexes.size()),
                                        plan.target.table.full_name()));
  }
  if (!plan.kept_indexes.empty()) {
    report_.notes.push_back(fmt::format(
        "kept {} of {}, which may refuse a record or cannot be built again by its owner: {}",
        count_of_indexes(plan.kept_indexes.size()), plan.target.table.full_name(),
        fmt::join(plan.kept_indexes, ", ")));
  }

  const auto began = Clock::now();
  const auto seconds = [began] {
    return std::chrono::duration<double>(Clock::now() - began).count();
  };
  std::exception_ptr failed;
  bool is_over_budget = false;
  try {
    open_rejects(plan);
    if (plan.strategy.staged) co_await prepare_to_stage(plan);
    if (plan.options.defer_indexes || report_.resumed) co_await watch_wide_keys(plan);
    bool is_stored = false;
    for (int round = 0; !is_stored; ++round) {
      ledger::StoredChunks stored = co_await stored_before(round);
      co_await move(plan, std::move(stored));
      if (plan.options.defer_indexes || report_.resumed) co_await restore(plan);
      is_stored = co_await reconcile(plan, seconds(), round);
    }
  } catch (const Failure& failure) {
    failed = std::current_exception();
    is_over_budget = failure.kind() == FailureKind::budget;
  } catch (const pg::PgError&) {
    failed = std::current_exception();
  }
  if (!failed) {
    report_.status = LoadReport::Status::stored;
    require_indexes();
    co_return;
  }
  try {
    co_await take_stock(plan, seconds());
    if (plan.options.defer_indexes || report_.resumed) co_await tell_missing_indexes(plan);
    co_await settle_rejects(is_over_budget);
  } catch (const std::runtime_error&) {
    // The first failure is the one to tell.
  }
  std::rethrow_exception(failed);
}

/// What earlier runs stored, and (behind a round that the server has lost a part of) this one.
asio::awaitable<ledger::StoredChunks> Load::stored_before(int round) {
  ledger::StoredChunks stored;
  budget_ = rejects::RejectBudget(budget_.limits());
  if (!report_.resumed && round == 0) co_return stored;
  pg::Lease connection = co_await on_.pool.acquire();
  stored = co_await ledger::stored_chunks(*connection, *report_.load);
  std::uint64_t rejects = 0;
  for (const auto& [number, chunk] : stored) {
    budget_.use(chunk.records_read, chunk.rows_rejected);
    rejects += chunk.rows_rejected;
  }
  if (!rejects_ || round > 0) co_return stored;
  const auto settle = [this, &stored] { return rejects_->settle(rejects_of(stored, false)); };
  const std::uint64_t kept = co_await async::offload(on_.cpu, settle);
  if (kept < rejects) {
    report_.notes.push_back(fmt::format("{} of the {} rejects of earlier runs are not in {}",
                                        format_count(rejects - kept), format_count(rejects),
                                        rejects_->path()));
  }
  co_return stored;
}

void Load::open_rejects(const Plan& plan) {
  budget_ = rejects::RejectBudget(plan.options.rejects);
  if (rejects_ && report_.load) rejects_->set_load(*report_.load);
}

/// Which chunks' rejects stay in the file: of those that are stored, and (where they are what ended
/// the load) of those that are not.
std::function<bool(std::int64_t)> Load::rejects_of(const ledger::StoredChunks& stored,
                                                   bool with_others) {
  return [&stored, with_others](std::int64_t chunk) {
    const auto found = stored.find(chunk);
    return found == stored.end() ? with_others : found->second.rows_rejected > 0;
  };
}

/// Leaves in the reject file what the ledger knows of, in file order.
asio::awaitable<void> Load::settle_rejects(bool with_others) {
  if (!rejects_ || !rejects_->has_any()) co_return;
  pg::Lease connection = co_await on_.pool.acquire();
  const ledger::StoredChunks stored = co_await ledger::stored_chunks(*connection, *report_.load);
  const auto settle = [this, &stored, with_others] {
    return rejects_->settle(rejects_of(stored, with_others));
  };
  const std::uint64_t left = co_await async::offload(on_.cpu, settle);
  if (left > 0) report_.rejects_path = rejects_->path();
}

/// What the ledger says is stored by a run that did not reach the end.
asio::awaitable<void> Load::take_stock(const Plan& plan, double seconds) {
  pg::Lease connection = co_await on_.pool.acquire();
  ledger::Totals totals = co_await ledger::end_run(*connection, *report_.load, seconds);
  const tuple::Table& table = plan.target.table;
  if (table.is_unlogged && !table.has_logged_part) {
    const bool is_there = co_await ledger::has_mark(*connection, *report_.load);
    if (!is_there) static_cast<RowCounts&>(totals) = {};  // a crash of the server took them
  }
  report(totals);
}

void Load::report(const ledger::Totals& totals) {
  report_.records_read = totals.records_read;
  static_cast<RowCounts&>(report_) = totals;
  report_.rows_rejected = totals.rows_rejected;
}

/// Builds the indexes that this load has dropped, and those that loads before it have left to it.
asio::awaitable<void> Load::restore(const Plan& plan) {
  if (plan.options.more_follows) co_return;
  std::vector<ledger::DeferredIndex> missing = co_await missing_indexes(plan);
  if (missing.empty()) co_return;
  progress_.stage = Progress::Stage::indexing;
  const auto began = Clock::now();
  const auto told = [](const ledger::DeferredIndex&, bool) {};
  const auto is_stopped = [this] { return stop_requested_; };
  const Restored restored = co_await restore_indexes(
      on_.pool, std::move(missing), plan.target.settings_sql, plan.jobs, told, is_stopped);
  if (stop_requested_) {
    report_.status = LoadReport::Status::interrupted;
    throw interrupted(report_);
  }
  const std::size_t count = restored.built.size() + restored.were_there.size();
  if (count > 0) {
    report_.notes.push_back(
        fmt::format("built {} again in {}", count_of_indexes(count),
                    format_duration(std::chrono::duration<double>(Clock::now() - began))));
  }
  unbuilt_ = fmt::format("{}", fmt::join(restored.refused, "\n"));
}

/// Behind the end of a load: rows that are in do not become less so by an index that is missing.
void Load::require_indexes() const {
  if (unbuilt_.empty()) return;
  throw Failure(
      FailureKind::failed,
      fmt::format("{}\n  All rows are stored. pgsluice loads restore builds such an index "
                  "once it can be, pgsluice loads forget gives it up.",
                  unbuilt_));
}

/// Rows of a load that is all or nothing come into the table when the indexes are there again.
asio::awaitable<void> Load::watch_wide_keys(const Plan& plan) {
  if (plan.strategy.staged) co_return;
  std::vector<ledger::DeferredIndex> missing = co_await missing_indexes(plan);
  wide_keys_ = std::make_unique<WideKeys>(on_, plan, std::move(missing), report_.notes,
                                          co_await asio::this_coro::executor);
}

asio::awaitable<void> Load::tell_missing_indexes(const Plan& plan) {
  const std::vector<ledger::DeferredIndex> missing = co_await missing_indexes(plan);
  if (missing.empty()) co_return;
  report_.notes.push_back(fmt::format(
      "{} of {} wait to be built again: the same command does so at its end, pgsluice loads "
      "restore "
      "{} does so now",
      count_of_indexes(missing.size()), plan.target.table.full_name(), report_.load->value));
}

asio::awaitable<std::vector<ledger::DeferredIndex>> Load::missing_indexes(const Plan& plan) {
  pg::Lease connection = co_await on_.pool.acquire();
  const tuple::Table& table = plan.target.table;
  ledger::TargetTable target{table.id, table.schema, table.name};
  co_return co_await ledger::missing_indexes(*connection, std::move(target), *report_.load);
}

asio::awaitable<void> Load::move(Plan& plan, ledger::StoredChunks stored) {
  progress_.stage = Progress::Stage::loading;
  const auto writer =
      make_writer(plan.strategy, plan.options, plan.target, plan.encoder, report_.load);
  Storing storing{on_,
                  plan,
                  *writer,
                  {plan.options.retry_for, retry_backoff, report_.load.has_value()},
                  budget_,
                  rejects_.get(),
                  progress_.retries,
                  wide_keys_.get()};
  Road road(storing, std::move(stored), progress_, co_await asio::this_coro::executor);
  std::exception_ptr failed;
  if (stop_requested_) road.stop();
  road_ = &road;
  try {
    co_await road.run();
  } catch (...) {
    failed = std::current_exception();
  }
  road_ = nullptr;
  records_read_ = road.records_read();
  bytes_read_ = road.bytes_read();
  chunks_read_ = road.chunks_read();
  report_.now += road.counts();
  report_.rows_rejected += road.rows_rejected();
  report_.rows_skipped += road.counts().rows_skipped;
  report_.bytes += road.bytes_stored();
  if (rejects_ && rejects_->has_any()) report_.rejects_path = rejects_->path();
  if (stop_requested_) {
    report_.status = LoadReport::Status::interrupted;
    throw interrupted(report_);
  }
  if (failed) std::rethrow_exception(failed);
}

/// The staging table, and what a crash of the server has left in it.
asio::awaitable<void> Load::prepare_to_stage(const Plan& plan) {
  pg::Lease connection = co_await on_.pool.acquire();
  const std::string lost = co_await prepare_staging(*connection, plan, *report_.load);
  if (!lost.empty()) report_.notes.push_back(lost + ". All of the source is sent again");
}

void Load::stop() {
  stop_requested_ = true;
  if (road_ != nullptr) {
    road_->stop();
  } else if (source_ != nullptr) {
    source_->stop();
  }
}

void Load::cancel() {
  stop();
  // A backend that waits for a lock does not notice that its client has gone.
  for (pg::Cancel& cancel : on_.pool.cancel_leased()) {
    const auto send = [cancel = std::make_shared<pg::Cancel>(std::move(cancel))] {
      cancel->send_blocking();
    };
    asio::post(on_.cpu, send);
  }
}

}  // namespace sluice::load
