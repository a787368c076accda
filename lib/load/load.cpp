#include "load/load.hpp"

#include <fmt/format.h>

#include "async/offload.hpp"
#include "ledger/run_lock.hpp"
#include "load/history.hpp"
#include "load/road.hpp"

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

}  // namespace

Load::Load(Resources on, LoadOptions options) : on_(on), options_(std::move(options)) {}
Load::~Load() = default;

asio::awaitable<void> Load::run() {
  const auto began = Clock::now();
  if (stop_requested_) throw interrupted(report_);
  Plan plan = co_await plan_with_connection();
  report_.plan = plan.summary();
  progress_.bytes_total = plan.identity.source_bytes;
  progress_.bytes_done = plan.preamble.start.byte_offset;
  progress_.bytes_before = progress_.bytes_done;

  std::exception_ptr failed;
  try {
    if (plan.options.dry_run) {
      report_.status = LoadReport::Status::dry_run;
    } else if (plan.options.use_ledger) {
      co_await run_with_ledger(plan);
    } else {
      co_await run_without_ledger(plan);
    }
  } catch (...) {
    failed = std::current_exception();
  }
  report_.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  report_.retries = progress_.retries;
  if (failed) std::rethrow_exception(failed);
}

asio::awaitable<Plan> Load::plan_with_connection() {
  pg::Lease connection = co_await on_.pool.acquire();
  source_ = source::open(options_.path);
  Plan plan = co_await make_plan(on_, *connection, std::move(options_), *source_);
  // A source that was stopped looks like one that ended.
  if (stop_requested_) throw interrupted(report_);
  co_return plan;
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
  // The key leaves out what a person may mistype: a run with other options of the same content must
  // see this one.
  std::string name =
      "load " + std::to_string(plan.target.table.id) + " " + plan.identity.fingerprint;
  std::unique_ptr<pg::Connection> guard = co_await pg::Connection::open(on_.pool.options());
  const ledger::RunLock lock = co_await ledger::RunLock::take(std::move(guard), std::move(name));
  if (!co_await prepare(plan)) co_return;

  const auto began = Clock::now();
  std::exception_ptr failed;
  try {
    ledger::StoredChunks stored = co_await stored_before();
    co_await move(plan, std::move(stored));
    co_await reconcile(plan);
  } catch (const Failure&) {
    failed = std::current_exception();
  } catch (const pg::PgError&) {
    failed = std::current_exception();
  }
  try {
    co_await take_stock(std::chrono::duration<double>(Clock::now() - began).count());
  } catch (const std::runtime_error&) {
    if (!failed) throw;  // the first failure is the one to tell
  }
  if (failed) std::rethrow_exception(failed);
  report_.status = LoadReport::Status::stored;
}

asio::awaitable<ledger::StoredChunks> Load::stored_before() {
  if (!report_.resumed) co_return ledger::StoredChunks();
  pg::Lease connection = co_await on_.pool.acquire();
  co_return co_await ledger::stored_chunks(*connection, *report_.load);
}

/// What the ledger says is stored, for the report, however the run ended.
asio::awaitable<void> Load::take_stock(double seconds) {
  pg::Lease connection = co_await on_.pool.acquire();
  co_await ledger::add_seconds(*connection, *report_.load, seconds);
  const ledger::Totals totals = co_await ledger::totals(*connection, *report_.load);
  report_.records_read = totals.records_read;
  report_.rows_stored = totals.rows_stored;
  report_.rows_rejected = totals.rows_rejected;
  report_.rows_skipped = totals.rows_skipped;
}

/// Asks the ledger about this source and enters the load or finds it again. False if there is
/// nothing to do.
asio::awaitable<bool> Load::prepare(Plan& plan) {
  using Kind = Verdict::Kind;
  pg::Lease lease = co_await on_.pool.acquire();
  pg::Connection& connection = *lease;
  co_await ledger::create_if_missing(connection);
  const std::string table = plan.target.table.full_name();
  const std::string& source = plan.source->name();
  // GCC 12 destroys a braced temporary twice when a co_await stands inside it, so this is filled
  // step by step.
  History history;
  history.loads = co_await ledger::find_loads(connection, plan.identity);
  history.again = plan.options.again;
  history.is_file = plan.identity.source_bytes.has_value();
  if (!history.loads.empty())
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
      co_await ledger::resume_load(connection, *report_.load);
      co_return true;
    }
    case Kind::fresh:
    case Kind::verify: break;
  }
  if (!verdict.note.empty()) report_.notes.push_back(verdict.note);
  std::string also;
  for (const LoadId id : verdict.void_loads) also += ledger::void_load_statement(id) + "; ";
  if (plan.options.truncate) {
    also += ledger::void_loads_of_statement(plan.target.table.id) + "; " + truncate_statement(plan);
  }
  report_.load = co_await ledger::begin_load(connection, plan.identity, also);
  co_return true;
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
asio::awaitable<void> Load::reconcile(Plan& plan) {
  progress_.stage = Progress::Stage::finishing;
  require_unchanged_source(plan);
  pg::Lease connection = co_await on_.pool.acquire();
  const ledger::Totals totals = co_await ledger::totals(*connection, *report_.load);
  const bool adds_up =
      totals.records_read == totals.rows_stored + totals.rows_rejected + totals.rows_skipped;
  if (totals.chunks != chunks_read_ || totals.bytes != bytes_read_ ||
      totals.records_read != records_read_ || !adds_up) {
    throw Failure(FailureKind::failed,
                  fmt::format("the ledger does not agree with {}: it has {} chunks, {} bytes, {} "
                              "records, and {} chunks, {} "
                              "bytes, {} records were read\n  See pgsluice loads show {}.",
                              plan.source->name(), totals.chunks, totals.bytes, totals.records_read,
                              chunks_read_, bytes_read_, records_read_, report_.load->value));
  }
  co_await ledger::finish_load(*connection, *report_.load, plan.identity.source_stamp);
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
