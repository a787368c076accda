#include "load/check.hpp"

#include "async/offload.hpp"
#include "rejects/salvage.hpp"

namespace sluice::load {

asio::awaitable<Stored> Checker::judge(const chunk::Chunk& chunk, const tuple::Batch& batch) {
  if (!connection_) {
    connection_.emplace(co_await with_.on.pool.acquire());
    const bool begun = co_await with_.writer.begin(**connection_, entry_of(chunk, batch));
    if (!begun) co_return Stored();
  }
  refuse_ragged(with_, chunk, batch);
  const auto may_go_on = [this, &batch](std::size_t refused) {
    return with_.budget.allows(batch.records, refused + batch.rejects);
  };
  const rejects::Salvaged salvaged = co_await salvage_naming_lines(chunk, batch, may_go_on);
  const std::uint64_t rejects = salvaged.rejects;
  const bool goes_on = salvaged.is_complete && with_.budget.allows(batch.records, rejects);
  std::optional<tuple::Reject> last;
  const auto tell = [this, &chunk, &salvaged, &last, goes_on] {
    tell_rejects(chunk, salvaged.refused);
    keep_rejects(with_, chunk, salvaged.refused);
    if (!goes_on) last = last_of(with_, chunk, salvaged.refused);
  };
  if (rejects > 0) co_await async::offload(with_.on.cpu, tell);
  if (!goes_on) throw failure_of(with_, chunk, std::move(*last), rejects);
  with_.budget.use(batch.records, rejects);
  Stored stored{salvaged.counts, rejects};
  stored.counts.rows_skipped += batch.blank_lines;
  co_return stored;
}

void Checker::tell_rejects(const chunk::Chunk& chunk, const rejects::Refused& refused) const {
  if (!with_.plan.options.on_reject) return;
  rejects::BadRecords bad(with_.plan.reading(), chunk, &refused);
  for (tuple::Reject reject; bad.next(reject);) with_.plan.options.on_reject(reject);
}

asio::awaitable<rejects::Salvaged> Checker::salvage_naming_lines(
    const chunk::Chunk& chunk, const tuple::Batch& batch,
    std::function<bool(std::size_t)> may_go_on) {
  try {
    const rejects::Sifting sifting{with_.plan.reading(), with_.on.cpu, **connection_,
                                   with_.writer,         chunk,        batch};
    co_return co_await rejects::salvage(sifting, std::move(may_go_on));
  } catch (const pg::PgError& error) {
    throw of_lines(with_, chunk, error);
  }
}

asio::awaitable<void> Checker::end() {
  if (!connection_) co_return;
  co_await with_.writer.roll_back(**connection_);
  connection_.reset();
}

}  // namespace sluice::load
