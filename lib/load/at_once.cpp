#include "load/at_once.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "async/deadline.hpp"
#include "async/offload.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "ledger/begin_load.hpp"
#include "ledger/run_lock.hpp"
#include "load/attempt.hpp"
#include "load/retry_policy.hpp"

namespace sluice::load {
namespace {

/// Fails, whatever it is that stands in the way: a division by zero is an error that no setting
/// turns off.
Sql require(const Sql& condition) {
  return sql("select 1 / (coalesce({}, false))::int; ", condition);
}

std::vector<const ledger::NewLoad*> sources_of(const std::vector<const OneChunk*>& chunks) {
  std::vector<const ledger::NewLoad*> sources;
  for (const OneChunk* one : chunks) sources.push_back(&one->entry);
  return sources;
}

writer::Writer::Around around(const std::vector<const OneChunk*>& chunks, const std::string& tag,
                              const ledger::Lengths& lengths) {
  std::vector<ledger::RunLockNames> locks;
  const std::vector<const ledger::NewLoad*> sources = sources_of(chunks);
  std::vector<ledger::StoredLoad> loads;
  for (const OneChunk* one : chunks) {
    const plan::Plan& plan = one->plan;
    locks.push_back(plan::lock_names(plan));
    // Until it is sent, and from then on by the server's clock.
    const double so_far = std::chrono::duration<double>(async::Clock::now() - one->began).count();
    loads.push_back({one->entry, entry_of(one->chunk, one->batch),
                     sql("{} + extract(epoch from clock_timestamp() - now())", so_far)});
  }
  const bool is_marked = chunks.front()->plan.target.table.is_unlogged;
  const Sql has_loads = sources.size() == 1 ? ledger::has_loads_query(*sources.front())
                                            : ledger::has_loads_query(sources, lengths);
  return {.tag = tag,
          .locks = require(ledger::RunLock::try_all_expression(locks)),
          // A statement of its own: what it sees is not older than the locks.
          .before = require(sql("not ({})", has_loads)),
          .behind = ledger::enter_stored_statements(loads, is_marked)};
}

StoredAtOnce stored(const OneChunk& one, LoadId load) {
  const ledger::ChunkEntry entry = entry_of(one.chunk, one.batch);
  ledger::Totals totals;
  totals.chunks = 1;
  totals.bytes = entry.byte_count;
  totals.records_read = entry.records_read;
  totals.counts = entry.counts;
  return {load, totals, one.chunk.longest};
}

std::vector<StoredAtOnce> read_answer(const std::vector<const OneChunk*>& chunks,
                                      const pg::Result& entered) {
  const auto numbers = ledger::read_entered(entered);
  std::vector<StoredAtOnce> all;
  for (const OneChunk* one : chunks) {
    const auto number = numbers.find(one->entry.fingerprint);
    if (number == numbers.end()) entered.refuse("the number of each load was asked for");
    all.push_back(stored(*one, number->second));
  }
  return all;
}

/// One that no other transaction has.
std::string new_tag() {
  std::random_device random;
  return fmt::format("/* pgsluice at once {:08x}{:08x} */ ", random(), random());
}

bool is_one_stopped(const std::vector<const OneChunk*>& chunks) {
  return std::ranges::any_of(chunks, [](const OneChunk* one) { return one->run.is_stopped; });
}

/// Nobody waits for what became of them.
Failure left_in_doubt(const std::vector<const OneChunk*>& chunks) {
  for (const OneChunk* one : chunks) one->run.report.status = LoadReport::Status::interrupted;
  return {FailureKind::interrupted,
          "interrupted while the connection was lost; the same command finds out what is stored"};
}

/// The tries at storing chunks.
struct AtOnce {
  Resources on;
  const std::vector<const OneChunk*>& chunks;
  const writer::Writer& writer;
  const tuple::Batch& rows;
  std::string tag;
  ledger::Lengths& lengths;
  /// When the last try was sent, if its answer was lost: it may live on at the server.
  std::optional<async::Clock::time_point> lost_one_sent;
  std::optional<std::vector<StoredAtOnce>> stored;
};

/// What the try has stored whose answer was lost. The ledger does not say by whom a load was
/// entered: whatever like these was entered since then by one transaction of this host, of the same
/// files in the same state, is it.
asio::awaitable<std::optional<std::vector<StoredAtOnce>>> stored_by_lost_one(
    const AtOnce& s, pg::Connection& connection) {
  // A crash would have emptied it, and left the ledger: the usual way asks for that.
  if (s.chunks.front()->plan.target.table.is_unlogged) co_return std::nullopt;
  const std::vector<const ledger::NewLoad*> sources = sources_of(s.chunks);
  const auto entered = co_await ledger::find_entered(connection, sources);
  const std::chrono::duration<double> since = async::Clock::now() - *s.lost_one_sent;
  std::vector<StoredAtOnce> all;
  for (const OneChunk* one : s.chunks) {
    const auto found = entered.find(one->entry.fingerprint);
    if (found == entered.end() || found->second.age > since.count()) co_return std::nullopt;
    all.push_back(stored(*one, found->second.load));
  }
  co_return all;
}

/// Whether nothing is left of the lost one, after a moment.
asio::awaitable<bool> end_lost_one(const AtOnce& s, pg::Connection& connection) {
  const auto deadline = async::Deadline::after(limits::lock_patience);
  for (;;) {
    const bool is_gone = co_await writer::end_tagged(connection, s.tag);
    if (is_gone || deadline.passed()) co_return is_gone;
    co_await async::sleep_for(limits::lock_poll);
  }
}

/// Nothing is stored where the server has refused it. Throws PgError for a lost connection.
asio::awaitable<void> send(AtOnce& s, pg::Connection& connection) {
  const writer::Writer::Around more = around(s.chunks, s.tag, s.lengths);
  const auto sent = async::Clock::now();
  s.lost_one_sent.reset();
  try {
    const pg::Result entered = co_await s.writer.write_between(connection, s.rows, more);
    s.stored = read_answer(s.chunks, entered);
  } catch (const pg::PgError& error) {
    if (error.nature() != ErrorNature::lost) co_return;
    s.lost_one_sent = sent;
    throw;
  }
}

/// Throws PgError for a lost connection; nothing is stored where the server has refused it, and the
/// usual way says why.
asio::awaitable<void> try_at_once(AtOnce& s) {
  pg::Lease connection = co_await s.on.pool.acquire();
  if (s.lost_one_sent) {
    // It would hold the locks, and may be about to commit.
    const bool is_gone = co_await end_lost_one(s, *connection);
    if (!is_gone) {
      throw pg::PgError(pg::Phase::storing, SqlState(sql_state::connection_failure),
                        "the transaction of a lost connection is still at work");
    }
    s.stored = co_await stored_by_lost_one(s, *connection);
    if (s.stored) co_return;
  }
  const std::vector<const ledger::NewLoad*> sources = sources_of(s.chunks);
  for (bool may_be_other_length = true; may_be_other_length;) {
    const std::size_t known = s.lengths.size();
    co_await send(s, *connection);
    if (s.stored || s.chunks.size() == 1) co_return;
    co_await ledger::find_lengths(*connection, sources, s.lengths);
    may_be_other_length = s.lengths.size() > known;
  }
}

}  // namespace

asio::awaitable<std::optional<OneChunk>> read_one_chunk(Run& run, const plan::Plan& plan,
                                                        const ledger::NewLoad& entry) {
  std::optional<OneChunk> one(OneChunk{run, plan, entry, async::Clock::now(), {}, {}});
  const auto read = [&] {
    chunk::Chunk second;
    chunk::Chunker chunker(*plan.source, plan.preamble, plan.chunker_options());
    const bool is_one = chunker.next(one->chunk) && !chunker.next(second);
    if (is_one)
      tuple::Encoder(plan.encoder).encode(one->chunk.parse_input(), one->batch, one->chunk.start);
    return is_one && one->batch.rejects == 0 && plan.source->stamp() == entry.source_stamp;
  };
  const bool is_one = co_await async::offload(run.on.reader, read);
  if (!is_one) one.reset();
  co_return one;
}

asio::awaitable<std::optional<std::vector<StoredAtOnce>>> store_at_once(
    Resources on, const std::vector<const OneChunk*>& chunks, ledger::Lengths& lengths) {
  std::vector<const tuple::Batch*> batches;
  for (const OneChunk* one : chunks) batches.push_back(&one->batch);
  // One alone, which may be a whole chunk, is sent as it is: together they are copied.
  const bool is_one = batches.size() == 1;
  const tuple::Batch copied = is_one ? tuple::Batch() : tuple::together(batches);
  const tuple::Batch& all_rows = is_one ? *batches.front() : copied;
  const auto writer = plan::make_writer(chunks.front()->plan, std::nullopt);
  // Before the first one that stores them: a group beside this one would find theirs otherwise.
  ledger::add_own_lengths(sources_of(chunks), lengths);
  AtOnce at_once{on, chunks, *writer, all_rows, new_tag(), lengths, {}, {}};
  const auto try_it = [&at_once] { return try_at_once(at_once); };
  const RetryPolicy policy{chunks.front()->plan.options.retry_for, retry_backoff};
  const auto decide = [&](const std::exception_ptr& failure, std::size_t tries,
                          std::chrono::milliseconds elapsed) {
    const bool goes_on = at_once.lost_one_sent && !is_one_stopped(chunks);
    const auto delay = goes_on ? policy.next(failure, tries, elapsed) : std::nullopt;
    if (delay) ++chunks.front()->run.progress.retries;
    return delay;
  };
  std::exception_ptr failed;
  try {
    co_await async::retry(try_it, decide);
  } catch (const pg::PgError&) {
    failed = std::current_exception();
  }
  if (failed && at_once.lost_one_sent && is_one_stopped(chunks)) throw left_in_doubt(chunks);
  if (failed) std::rethrow_exception(failed);
  co_return std::move(at_once.stored);
}

}  // namespace sluice::load
