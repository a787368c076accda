#include "load/at_once.hpp"

#include "async/event.hpp"
#include "async/offload.hpp"
#include "ledger/deferred_indexes.hpp"
#include "ledger/run_lock.hpp"
#include "load/attempt.hpp"

namespace sluice::load {
namespace {

/// Fails, whatever it is that stands in the way: a division by zero is an error that no setting
/// turns off.
Sql require(const Sql& condition) {
  return sql("select 1 / (coalesce({}, false))::int; ", condition);
}

}  // namespace

asio::awaitable<std::optional<StoredAtOnce>> store_at_once(Resources on, plan::Plan& plan) {
  const auto began = async::Clock::now();
  chunk::Chunk chunk;
  chunk::Chunk second;
  tuple::Batch batch;
  const auto read = [&] {
    chunk::Chunker chunker(*plan.source, plan.preamble, plan.chunker_options());
    const bool is_one = chunker.next(chunk) && !chunker.next(second);
    if (is_one) tuple::Encoder(plan.encoder).encode(chunk.parse_input(), batch, chunk.start);
    return is_one;
  };
  std::optional<StoredAtOnce> stored;
  const bool is_one = co_await async::offload(on.reader, read);
  const std::string stamp = plan.source->stamp();
  if (is_one && batch.rejects == 0 && stamp == plan.identity.source_stamp) {
    pg::Lease connection = co_await on.pool.acquire();
    writer::Writer::Around around;
    around.locks = require(ledger::RunLock::try_expression(plan::lock_names(plan)));
    // A statement of its own: what it sees is not older than the lock.
    around.before = require(sql("not ({})", ledger::has_loads_query(plan.identity)));
    // Until it is sent, and from then on by the server's clock.
    const double so_far = std::chrono::duration<double>(async::Clock::now() - began).count();
    const Sql seconds = sql("{} + extract(epoch from clock_timestamp() - now())", so_far);
    const ledger::ChunkEntry entry = entry_of(chunk, batch);
    around.behind = ledger::enter_stored_statements(plan.identity, entry, seconds,
                                                    plan.target.table.is_unlogged);
    const auto writer = plan::make_writer(plan, std::nullopt);
    try {
      const pg::Result row = co_await writer->write_between(*connection, batch, around);
      ledger::Totals totals;
      totals.chunks = 1;
      totals.bytes = entry.byte_count;
      totals.records_read = entry.records_read;
      totals.counts = entry.counts;
      stored = StoredAtOnce{LoadId{row.integer(0, 0)}, totals, chunk.longest};
    } catch (const pg::PgError&) {
      // The usual way says what it is.
    }
  }
  if (!stored) {
    const auto read_again = [&plan] { plan::reread_preamble(plan); };
    co_await async::offload(on.reader, read_again);
  }
  co_return stored;
}

}  // namespace sluice::load
