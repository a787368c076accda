#include "load/at_once.hpp"

#include "async/offload.hpp"
#include "ledger/begin_load.hpp"
#include "ledger/run_lock.hpp"
#include "load/attempt.hpp"

namespace sluice::load {
namespace {

/// Fails, whatever it is that stands in the way: a division by zero is an error that no setting
/// turns off.
Sql require(const Sql& condition) {
  return sql("select 1 / (coalesce({}, false))::int; ", condition);
}

writer::Writer::Around around(const std::vector<const OneChunk*>& chunks) {
  std::vector<Sql> locks;
  std::vector<const ledger::NewLoad*> sources;
  std::vector<ledger::StoredLoad> loads;
  for (const OneChunk* one : chunks) {
    const plan::Plan& plan = one->plan;
    locks.push_back(ledger::RunLock::try_expression(plan::lock_names(plan)));
    sources.push_back(&one->entry);
    // Until it is sent, and from then on by the server's clock.
    const double so_far = std::chrono::duration<double>(async::Clock::now() - one->began).count();
    loads.push_back({one->entry, entry_of(one->chunk, one->batch),
                     sql("{} + extract(epoch from clock_timestamp() - now())", so_far)});
  }
  const bool is_marked = chunks.front()->plan.target.table.is_unlogged;
  return {.locks = require(joined(locks, " and ")),
          // A statement of its own: what it sees is not older than the locks.
          .before = require(sql("not ({})", ledger::has_loads_query(sources))),
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

}  // namespace

asio::awaitable<std::optional<OneChunk>> read_one_chunk(Resources on, const plan::Plan& plan,
                                                        const ledger::NewLoad& entry) {
  std::optional<OneChunk> one(OneChunk{plan, entry, async::Clock::now(), {}, {}});
  const auto read = [&] {
    chunk::Chunk second;
    chunk::Chunker chunker(*plan.source, plan.preamble, plan.chunker_options());
    const bool is_one = chunker.next(one->chunk) && !chunker.next(second);
    if (is_one)
      tuple::Encoder(plan.encoder).encode(one->chunk.parse_input(), one->batch, one->chunk.start);
    return is_one && one->batch.rejects == 0 && plan.source->stamp() == entry.source_stamp;
  };
  const bool is_one = co_await async::offload(on.reader, read);
  if (!is_one) one.reset();
  co_return one;
}

asio::awaitable<std::optional<std::vector<StoredAtOnce>>> store_at_once(
    Resources on, const std::vector<const OneChunk*>& chunks) {
  std::optional<std::vector<StoredAtOnce>> all;
  std::vector<const tuple::Batch*> batches;
  for (const OneChunk* one : chunks) batches.push_back(&one->batch);
  // One alone, which may be a whole chunk, is sent as it is: together they are copied.
  const bool is_one = batches.size() == 1;
  const tuple::Batch copied = is_one ? tuple::Batch() : tuple::together(batches);
  const tuple::Batch& all_rows = is_one ? *batches.front() : copied;
  const auto writer = plan::make_writer(chunks.front()->plan, std::nullopt);
  pg::Lease connection = co_await on.pool.acquire();
  const writer::Writer::Around more = around(chunks);
  try {
    const pg::Result entered = co_await writer->write_between(*connection, all_rows, more);
    all = read_answer(chunks, entered);
  } catch (const pg::PgError&) {
    // The usual way says what it is.
  }
  co_return all;
}

}  // namespace sluice::load
