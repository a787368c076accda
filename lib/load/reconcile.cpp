#include "load/reconcile.hpp"

#include <fmt/format.h>

#include "async/offload.hpp"
#include "base/limits.hpp"
#include "load/finishing.hpp"
#include "load/staging.hpp"
#include "source/fingerprint.hpp"

namespace sluice::load {

asio::awaitable<void> Reconciliation::begin_again() {
  const auto read_again = [this] { plan::reread_preamble(plan_); };
  co_await async::offload(run_.on.reader, read_again);
  run_.progress.bytes_done = plan_.preamble.start.byte_offset;
  run_.progress.bytes_before = run_.progress.bytes_done;
  run_.progress.packed_done = run_.progress.packed_before = 0;
  run_.progress.rows_stored = run_.progress.rows_before = 0;  // counted once more
}

void require_unchanged_source(const source::Source& source, const std::string& stamp) {
  if (source.stamp() == stamp) return;
  throw Failure(FailureKind::changed,
                fmt::format("{} changed while it was read: what is stored may be neither its old "
                            "nor its new content",
                            source.name()),
                "Load it from the start with --again --truncate once it is complete.");
}

/// Somebody has renamed the source, or changed who may read it; or has set the time of a change
/// back. All of it is read once more, and compared with the digests of the chunks.
asio::awaitable<void> Reconciliation::reread_touched() {
  entry_.source_stamp = plan_.source->stamp();
  co_await begin_again();
  run_.note(fmt::format(
      "{} got another name or mode while it was read: read once more, to compare its bytes",
      plan_.source->name()));
}

asio::awaitable<ledger::Finish> Reconciliation::finish(const ledger::Read& read, double seconds) {
  const Ending ending{entry_, *run_.report.load, read, seconds};
  if (plan_.strategy.staged) {
    run_.progress.stage = Progress::Stage::publishing;
    const RetryPolicy policy{plan_.options.retry_for, retry_backoff, true};
    Published published = co_await publish(run_.on, plan_, policy, ending);
    if (published.end.finished) run_.report.is_staged = false;
    if (published.end.finished)
      for (std::string& note : published.notes) run_.note(std::move(note));
    refuse_from_now_on(std::move(published.refused));
    co_return published.end;
  }
  if (held_ != nullptr) {
    run_.progress.stage = Progress::Stage::publishing;
    Finished finished = co_await held_->finish(ending);
    for (std::string& note : finished.notes) run_.note(std::move(note));
    co_return finished.end;
  }
  if (ends_with_more(plan_.options)) {
    const RetryPolicy policy{plan_.options.retry_for, retry_backoff, true};
    Finished finished = co_await finish_with_more(run_.on, plan_, policy, ending);
    for (std::string& note : finished.notes) run_.note(std::move(note));
    co_return finished.end;
  }
  pg::Lease connection = co_await run_.on.pool.acquire();
  co_return co_await ledger::finish_load(*connection, *run_.report.load, read, seconds,
                                         entry_.source_stamp);
}

/// What the table has refused at the end is refused when its chunk is encoded once more.
void Reconciliation::refuse_from_now_on(tuple::KnownRefusals refused) {
  has_refused_more_ = !refused.empty();
  if (refused.empty()) return;
  if (plan_.encoder.known_refusals)
    refused.insert(plan_.encoder.known_refusals->begin(), plan_.encoder.known_refusals->end());
  plan_.encoder.known_refusals = std::make_shared<const tuple::KnownRefusals>(std::move(refused));
}

/// The server takes back what it has acknowledged only where it crashed. Where it did not, somebody
/// has deleted chunks' rows from the ledger, and the table has the chunks: sent again they would be
/// in it twice.
asio::awaitable<void> Reconciliation::require_crash(std::uint64_t lost) {
  if (!lock_) co_return;
  pg::Lease connection = co_await run_.on.pool.acquire();
  if (!co_await lock_->is_held_at(*connection)) co_return;
  run_.report.is_over = true;
  throw Failure(
      FailureKind::failed,
      fmt::format("{} rows of load {} were deleted from pgsluice.chunks while it ran, and "
                  "not by a crash of the server: {} still has what they stand for",
                  lost, run_.report.load->value, plan_.target.table.full_name()),
      fmt::format("--again --truncate empties {} first, and loads {} from the start.",
                  plan_.target.table.full_name(), plan_.source->name()));
}

/// The last statement of the run that had the load in front of this one was still under way when
/// this one began.
asio::awaitable<bool> Reconciliation::was_finished_meanwhile(const ledger::Totals& stored,
                                                             const ledger::Read& read) {
  if (stored.chunks != read.chunks || stored.bytes != read.bytes ||
      stored.records_read != read.records)
    co_return false;
  pg::Lease connection = co_await run_.on.pool.acquire();
  const auto entry = co_await ledger::show_load(*connection, *run_.report.load);
  co_return entry && entry->finished();
}

/// Success is reconciled, not assumed: what the ledger says of the chunks must be what was read.
/// False where it lacks chunks that can be sent again.
asio::awaitable<bool> Reconciliation::reconcile(const ledger::Read& read, double seconds,
                                                int round) {
  run_.progress.stage = Progress::Stage::finishing;
  if (source::is_only_touched(entry_.source_stamp, plan_.source->stamp()) &&
      round < limits::resend_rounds_max) {
    co_await reread_touched();
    co_return false;
  }
  require_unchanged_source(*plan_.source, entry_.source_stamp);
  co_await rejects_.settle(false, held_);
  if (!rejects_.budget().allows(0, 0)) {
    throw Failure(FailureKind::budget,
                  fmt::format("{}: {}", plan_.source->name(), rejects_.budget().explain(0)));
  }
  const ledger::Finish end = co_await finish(read, seconds);
  if (has_refused_more_) {
    run_.progress.stage = Progress::Stage::loading;
    co_await begin_again();
    co_return false;
  }
  run_.take_over(end.totals);
  // What was staged by earlier runs came into the table by this one.
  if (end.finished && (!run_.report.resumed || plan_.strategy.staged))
    run_.report.now = run_.report.total;
  if (end.finished) co_return true;
  if (end.is_void) {
    run_.report.is_over = true;
    throw Failure(
        FailureKind::failed,
        fmt::format("load {} was given up meanwhile: another run emptied {}, or began the "
                    "load again",
                    run_.report.load->value, plan_.target.table.full_name()),
        fmt::format("The same command loads {} from the start.", plan_.source->name()));
  }
  if (co_await was_finished_meanwhile(end.totals, read)) co_return true;
  if (end.totals.chunks < read.chunks && !plan_.strategy.staged)
    co_await require_crash(read.chunks - end.totals.chunks);
  if (end.totals.chunks < read.chunks && round < limits::resend_rounds_max &&
      plan_.source->rewind()) {
    const char* const reason =
        plan_.strategy.staged ? "a crash, in which the staging table was emptied, as it is unlogged"
                              : "a crash with synchronous_commit = off";
    run_.note(
        fmt::format("the server has lost {} chunks that it had stored ({}, or a failover to a "
                    "replica that was behind): sending them again",
                    read.chunks - end.totals.chunks, reason));
    co_await begin_again();
    co_return false;
  }
  throw Failure(FailureKind::failed,
                fmt::format("the ledger does not agree with {}: it has {} chunks, {} bytes, {} "
                            "records, and {} chunks, {} "
                            "bytes, {} records were read",
                            plan_.source->name(), end.totals.chunks, end.totals.bytes,
                            end.totals.records_read, read.chunks, read.bytes, read.records),
                fmt::format("See pgsluice loads show {}.", run_.report.load->value));
}

}  // namespace sluice::load
