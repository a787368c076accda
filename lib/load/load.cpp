#include "load/load.hpp"

#include <fmt/format.h>

#include <thread>

#include "async/offload.hpp"
#include "async/task_group.hpp"
#include "base/quantity.hpp"
#include "load/history.hpp"
#include "load/restore.hpp"
#include "load/road.hpp"
#include "pg/identifier.hpp"

namespace sluice::load {
namespace {

using async::Clock;

constexpr async::Backoff backoff{limits::retry_delay_min, limits::retry_delay_max};

Failure interrupted(const LoadReport& report) {
  if (report.load) {
    return {FailureKind::interrupted, "interrupted; the same command goes on where it stopped"};
  }
  if (report.rows_stored_now == 0)
    return {FailureKind::interrupted, "interrupted; nothing was stored"};
  return {FailureKind::interrupted, "interrupted; without a ledger this load cannot be resumed"};
}

/// With the user's settings, so that --lock-timeout holds for it too. Runs in a transaction.
std::string truncate_statement(const Plan& plan) {
  return plan.target.settings_sql + "truncate " + plan.target.table.quoted_name + "; ";
}

std::string count_of_indexes(std::size_t count) {
  return count == 1 ? "1 index" : std::to_string(count) + " indexes";
}

/// Drops what is to be built again later. `load` is SQL for the load's number.
std::string defer_statements(const Plan& plan, const std::string& load) {
  std::string sql;
  for (const writer::Index& index : plan.deferred_indexes)
    sql += ledger::defer_statements(load, plan.target.table.id, index.name, index.definition);
  return sql.empty() ? sql : plan.target.settings_sql + sql;
}

/// An SQL expression. It leaves out what a person may mistype: a run with other options of the same
/// content must see this one.
std::string lock_name(const std::string& table, const std::string& fingerprint) {
  return "'load ' || " + pg::quote_literal(table) + "::regclass::oid || " +
         pg::quote_literal(" " + fingerprint);
}

}  // namespace

/// What is found out before the plan is made.
struct Load::Findings {
  explicit Findings(const asio::any_io_executor& executor) : source_is_read(executor) {}

  std::optional<Beginning> beginning;
  async::Event source_is_read;
  writer::Target target;
  std::vector<writer::Index> deferred_indexes;
  std::size_t jobs = 0;
};

Load::Load(Resources on, LoadOptions options) : on_(on), options_(std::move(options)) {}
Load::~Load() = default;

asio::awaitable<void> Load::run() {
  std::exception_ptr failed;
  try {
    co_await run_to_the_end();
  } catch (...) {
    failed = std::current_exception();
  }
  lock_.reset();
  if (failed) std::rethrow_exception(failed);
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
  std::exception_ptr failed;
  try {
    if (plan.options.dry_run) {
      report_.status = LoadReport::Status::dry_run;
    } else {
      // A distant server's connections take longer than asking its ledger.
      for (std::size_t i = 1; i < plan.jobs && !is_small(); ++i) ahead.spawn(on_.pool.open_ahead());
      if (plan.options.use_ledger) {
        co_await run_with_ledger(plan);
      } else {
        co_await run_without_ledger(plan);
      }
    }
  } catch (...) {
    failed = std::current_exception();
  }
  ahead.cancel();
  try {
    co_await ahead.join();
  } catch (const boost::system::system_error&) {
    // The cancellation, which was asked for.
  }
  report_.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  report_.retries = progress_.retries;
  if (failed) std::rethrow_exception(failed);
}

/// Three things at once: how the source begins, what the table is, and (once the beginning is
/// known) the lock that keeps a second run of this load away. A source of one chunk is in the table
/// before a connection for its lock would be open: the transaction that enters it in the ledger
/// holds it.
asio::awaitable<Plan> Load::prepare_to_run() {
  source_ = source::open(options_.path);
  first_chunk_bytes_ = source::bytes_of_chunk(0, options_.chunk_bytes);
  const auto executor = co_await asio::this_coro::executor;
  Findings found(executor);
  async::TaskGroup tasks(executor);
  tasks.spawn(read_source(found));
  tasks.spawn(or_stop_reading(describe_target(found)));
  if (options_.use_ledger && !options_.dry_run && !is_small())
    tasks.spawn(or_stop_reading(lock(found)));
  co_await tasks.join();
  // A source that was stopped looks like one that ended.
  if (stop_requested_) throw interrupted(report_);
  Plan plan = make_plan(std::move(options_), *source_, std::move(*found.beginning),
                        std::move(found.target), std::move(found.deferred_indexes), found.jobs);
  on_.pool.allow(plan.jobs);
  co_return plan;
}

bool Load::is_small() const {
  const std::optional<std::uint64_t> bytes = source_->size_bytes();
  return bytes && *bytes <= first_chunk_bytes_;
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
  found.source_is_read.notify();
}

asio::awaitable<void> Load::describe_target(Findings& found) {
  pg::Lease connection = co_await on_.pool.acquire();
  found.target = co_await writer::describe(*connection, options_.table, options_.settings);
  if (options_.defer_indexes)
    found.deferred_indexes = co_await writer::secondary_indexes(*connection, found.target.table);
  found.jobs = default_jobs(std::thread::hardware_concurrency(), connection->fastest_answer());
}

asio::awaitable<void> Load::lock(Findings& found) {
  std::unique_ptr<pg::Connection> connection = co_await pg::Connection::open(on_.pool.options());
  while (!found.beginning) co_await found.source_is_read.wait();
  std::string settings = writer::set_local(options_.settings);
  std::string name = lock_name(options_.table, found.beginning->fingerprint);
  lock_ =
      co_await ledger::RunLock::take(std::move(connection), std::move(settings), std::move(name));
}

asio::awaitable<void> Load::run_without_ledger(Plan& plan) {
  if (plan.options.truncate) {
    pg::Lease connection = co_await on_.pool.acquire();
    co_await connection->query("begin; " + truncate_statement(plan) + "commit");
  }
  co_await move(plan, {});
  require_unchanged_source(plan);
  report_.records_read = records_read_;
  report_.rows_stored = report_.rows_stored_now;
  report_.status = LoadReport::Status::stored;
}

asio::awaitable<void> Load::run_with_ledger(Plan& plan) {
  if (!co_await prepare(plan)) {
    if (plan.options.defer_indexes) co_await restore(plan);  // that an earlier file has left
    co_return;
  }
  if (!plan.deferred_indexes.empty()) {
    report_.notes.push_back(fmt::format("dropped {} of {} until the rows are in",
                                        count_of_indexes(plan.deferred_indexes.size()),
                                        plan.target.table.full_name()));
  }

  const auto began = Clock::now();
  const auto seconds = [began] {
    return std::chrono::duration<double>(Clock::now() - began).count();
  };
  std::exception_ptr failed;
  try {
    ledger::StoredChunks stored = co_await stored_before();
    co_await move(plan, std::move(stored));
    if (plan.options.defer_indexes || report_.resumed) co_await restore(plan);
    co_await reconcile(plan, seconds());
  } catch (const Failure&) {
    failed = std::current_exception();
  } catch (const pg::PgError&) {
    failed = std::current_exception();
  }
  if (!failed) {
    report_.status = LoadReport::Status::stored;
    co_return;
  }
  try {
    co_await take_stock(seconds());
    if (plan.options.defer_indexes || report_.resumed) co_await tell_missing_indexes(plan);
  } catch (const std::runtime_error&) {
    // The first failure is the one to tell.
  }
  std::rethrow_exception(failed);
}

asio::awaitable<ledger::StoredChunks> Load::stored_before() {
  if (!report_.resumed) co_return ledger::StoredChunks();
  pg::Lease connection = co_await on_.pool.acquire();
  co_return co_await ledger::stored_chunks(*connection, *report_.load);
}

/// What the ledger says is stored by a run that did not reach the end.
asio::awaitable<void> Load::take_stock(double seconds) {
  pg::Lease connection = co_await on_.pool.acquire();
  report(co_await ledger::end_run(*connection, *report_.load, seconds));
}

void Load::report(const ledger::Totals& totals) {
  report_.records_read = totals.records_read;
  report_.rows_stored = totals.rows_stored;
  report_.rows_rejected = totals.rows_rejected;
  report_.rows_skipped = totals.rows_skipped;
}

/// What the ledger knows of this source, with the lock held from here on.
asio::awaitable<std::vector<ledger::LoadEntry>> Load::known_loads(Plan& plan,
                                                                  pg::Connection& connection) {
  std::vector<ledger::LoadEntry> loads;
  if (!lock_) {
    std::string settings = writer::set_local(plan.options.settings);
    std::string name = lock_name(plan.options.table, plan.identity.fingerprint);
    std::string question = ledger::has_loads_query(plan.identity);
    const pg::Result known =
        co_await ledger::RunLock::begin_locked(connection, settings, name, std::move(question));
    if (known.boolean(0, 0)) loads = co_await ledger::find_loads(connection, plan.identity);
    if (loads.empty() || plan.options.again) {
      // Whoever comes while the one chunk waits for the table is told so too.
      plan.target.settings_sql += ledger::RunLock::try_statement(name);
      co_return loads;
    }
    // There is more to ask than the beginning of a load: with a lock that lasts as long as that.
    co_await connection.query("rollback");
    std::unique_ptr<pg::Connection> guard = co_await pg::Connection::open(on_.pool.options());
    lock_ = co_await ledger::RunLock::take(std::move(guard), std::move(settings), std::move(name));
  }
  loads = co_await ledger::find_loads(connection, plan.identity);
  co_return loads;
}

/// Asks the ledger about this source and enters the load or finds it again. False if there is
/// nothing to do.
asio::awaitable<bool> Load::prepare(Plan& plan) {
  using Kind = Verdict::Kind;
  pg::Lease lease = co_await on_.pool.acquire();
  pg::Connection& connection = *lease;
  if (!plan.target.has_ledger) co_await ledger::create(connection);
  const std::string table = plan.target.table.full_name();
  const std::string& source = plan.source->name();
  // GCC 12 destroys a braced temporary twice when a co_await stands inside it, so this is filled
  // step by step.
  History history;
  history.again = plan.options.again;
  history.is_file = plan.identity.source_bytes.has_value();
  history.loads = co_await known_loads(plan, connection);
  if (!history.loads.empty() && !history.again)
    history.target_is_empty = co_await writer::is_empty(connection, plan.target.table);
  Verdict verdict = judge(history, plan.identity);
  if (verdict.kind == Kind::verify) {
    const ledger::LoadEntry load = *verdict.load;
    if (co_await has_same_chunks(plan, connection, load)) {
      nothing_to_do(load);
      co_return false;
    }
    verdict = {};
  }
  switch (verdict.kind) {
    case Kind::nothing_to_do: nothing_to_do(*verdict.load); co_return false;
    case Kind::refuse_changed:
      throw Failure(
          FailureKind::changed,
          fmt::format(
              "{} has changed since load {} stored {} rows of it in {}: it had {} bytes then and "
              "has {} now, "
              "and its beginning or end differs\n"
              "  Load it from the start with --again; add --truncate to empty the table first.",
              source, verdict.load->id.value, verdict.load->totals.rows_stored, table,
              verdict.load->source_bytes.value_or(0), plan.identity.source_bytes.value_or(0)));
    case Kind::refuse_options:
      throw Failure(
          FailureKind::changed,
          fmt::format("load {} of {} is unfinished and was begun with other options ({})\n"
                      "  Go on with the options of then, or load it from the start with --again; "
                      "add --truncate "
                      "to empty {} first.",
                      verdict.load->id.value, source,
                      difference_of_options(verdict.load->options, plan.identity.options), table));
    case Kind::resume: {
      report_.load = verdict.load->id;
      report_.resumed = true;
      report_.notes.push_back(fmt::format("resuming load {} of {}, with {} rows stored already",
                                          verdict.load->id.value, verdict.load->started_at,
                                          verdict.load->totals.rows_stored));
      plan.identity.chunk_bytes = verdict.load->chunk_bytes;
      plan.identity.record_bytes_max = verdict.load->record_bytes_max;
      report_.plan.chunk_bytes = plan.identity.chunk_bytes;
      co_await ledger::resume_load(connection, *report_.load,
                                   defer_statements(plan, std::to_string(verdict.load->id.value)));
      co_return true;
    }
    case Kind::fresh:
    case Kind::verify: break;
  }
  if (!verdict.note.empty()) report_.notes.push_back(verdict.note);
  std::string before;
  for (const LoadId id : verdict.void_loads) before += ledger::void_load_statement(id) + "; ";
  if (plan.options.truncate) {
    before +=
        ledger::void_loads_of_statement(plan.target.table.id) + "; " + truncate_statement(plan);
  }
  report_.load = co_await ledger::begin_load(connection, plan.identity, before,
                                             defer_statements(plan, ledger::this_load));
  co_return true;
}

/// Builds the indexes that this load has dropped, and those that loads before it have left to it.
asio::awaitable<void> Load::restore(const Plan& plan) {
  if (plan.options.more_follows) co_return;
  std::vector<ledger::DeferredIndex> missing = co_await missing_indexes(plan);
  if (missing.empty()) co_return;
  progress_.stage = Progress::Stage::indexing;
  const auto began = Clock::now();
  const std::size_t count = missing.size();
  co_await restore_indexes(
      on_.pool, std::move(missing), plan.target.settings_sql, plan.jobs,
      [](const ledger::DeferredIndex&) {}, [this] { return stop_requested_; });
  if (stop_requested_) {
    report_.status = LoadReport::Status::interrupted;
    throw interrupted(report_);
  }
  report_.notes.push_back(
      fmt::format("built {} again in {}", count_of_indexes(count),
                  format_duration(std::chrono::duration<double>(Clock::now() - began))));
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
  co_return co_await ledger::missing_indexes(*connection, plan.target.table.id, *report_.load);
}

void Load::nothing_to_do(const ledger::LoadEntry& load) {
  report_.status = LoadReport::Status::nothing_to_do;
  report_.load = load.id;
  report_.finished_before = load.finished_at;
  report_.records_read = load.totals.records_read;
  report_.rows_stored = load.totals.rows_stored;
  report_.rows_rejected = load.totals.rows_rejected;
  report_.rows_skipped = load.totals.rows_skipped;
}

/// Reads the whole source and compares it with a finished load, chunk by chunk.
asio::awaitable<bool> Load::has_same_chunks(Plan& plan, pg::Connection& connection,
                                            const ledger::LoadEntry& load) {
  progress_.stage = Progress::Stage::verifying;
  const ledger::StoredChunks stored = co_await ledger::stored_chunks(connection, load.id);
  source::ChunkerOptions options = plan.chunker_options();
  options.chunk_bytes = load.chunk_bytes;
  options.record_bytes_max = load.record_bytes_max;
  source::Chunker chunker(*plan.source, plan.preamble, options);
  source::Chunk chunk;
  std::size_t same = 0;
  const auto compare_next = [&chunker, &chunk, &stored, &same] {
    if (!chunker.next(chunk)) return false;
    const auto found = stored.find(chunk.number);
    if (found == stored.end() || found->second.digest != chunk.digest ||
        found->second.byte_count != chunk.size) {
      same = stored.size() + 1;
      return false;
    }
    ++same;
    return true;
  };
  while (co_await async::offload(on_.reader, compare_next)) {
    if (stop_requested_) throw interrupted(report_);
  }
  if (same == stored.size()) co_return true;
  if (!plan.source->rewind()) {
    throw Failure(
        FailureKind::changed,
        fmt::format(
            "{} begins like load {}, which is in {} already, but is not the same\n"
            "  A stream cannot be read twice: send it again with --again to load all of it.",
            plan.source->name(), load.id.value, plan.target.table.full_name()));
  }
  const auto read = [&plan] { reread_preamble(plan); };
  co_await async::offload(on_.reader, read);
  co_return false;
}

asio::awaitable<void> Load::move(Plan& plan, ledger::StoredChunks stored) {
  progress_.stage = Progress::Stage::loading;
  const writer::CopyWriter writer(plan.target, plan.encoder.column_names(), report_.load);
  const RetryPolicy retry{plan.options.retry_for, backoff, report_.load.has_value()};
  Road road(on_, plan, writer, retry, std::move(stored), progress_,
            co_await asio::this_coro::executor);
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
  report_.rows_stored_now = road.rows_stored();
  report_.rows_skipped = road.rows_skipped();
  report_.bytes = road.bytes_stored();
  if (stop_requested_) {
    report_.status = LoadReport::Status::interrupted;
    throw interrupted(report_);
  }
  if (failed) std::rethrow_exception(failed);
}

void Load::require_unchanged_source(const Plan& plan) const {
  if (plan.source->stamp() == plan.identity.source_stamp) return;
  throw Failure(FailureKind::changed,
                fmt::format("{} changed while it was read: what is stored may be neither its old "
                            "nor its new content\n"
                            "  Load it from the start with --again --truncate once it is complete.",
                            plan.source->name()));
}

/// Success is reconciled, not assumed: what the ledger says of the chunks must be what was read.
asio::awaitable<void> Load::reconcile(Plan& plan, double seconds) {
  progress_.stage = Progress::Stage::finishing;
  require_unchanged_source(plan);
  pg::Lease connection = co_await on_.pool.acquire();
  const ledger::Read read{chunks_read_, bytes_read_, records_read_};
  const ledger::Finish end = co_await ledger::finish_load(*connection, *report_.load, read, seconds,
                                                          plan.identity.source_stamp);
  report(end.totals);
  if (end.finished) co_return;
  throw Failure(
      FailureKind::failed,
      fmt::format("the ledger does not agree with {}: it has {} chunks, {} bytes, {} "
                  "records, and {} chunks, {} "
                  "bytes, {} records were read\n  See pgsluice loads show {}.",
                  plan.source->name(), end.totals.chunks, end.totals.bytes, end.totals.records_read,
                  chunks_read_, bytes_read_, records_read_, report_.load->value));
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
