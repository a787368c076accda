#include "load/check.hpp"

#include "async/offload.hpp"
#include "load/salvage.hpp"

namespace sluice::load {

asio::awaitable<Stored> Checker::judge(const source::Chunk& chunk, const tuple::Batch& batch) {
  if (!connection_) {
    connection_.emplace(co_await with_.on.pool.acquire());
    const bool begun = co_await with_.writer.begin(**connection_, entry_of(chunk, batch));
    if (!begun) co_return Stored();
  }
  refuse_ragged(with_, chunk, batch);
  const auto may_go_on = [this, &batch](std::size_t refused) {
    return with_.budget.allows(batch.records, refused + batch.rejects.size());
  };
  const Salvaged salvaged = co_await salvage_naming_lines(chunk, batch, may_go_on);
  if (with_.plan.options.on_reject) {
    for (const tuple::Reject& reject : salvaged.rejects) with_.plan.options.on_reject(reject);
  }
  const std::uint64_t rejects = salvaged.rejects.size();
  if (rejects > 0 && with_.rejects != nullptr) {
    const auto keep = [this, &chunk, &salvaged] {
      with_.rejects->append(chunk, each_of(salvaged.rejects));
    };
    co_await async::offload(with_.on.cpu, keep);
  }
  if (!salvaged.is_complete || !with_.budget.allows(batch.records, rejects))
    throw failure_of(with_, salvaged.rejects.back(), rejects);
  with_.budget.use(batch.records, rejects);
  Stored stored{salvaged, rejects};
  stored.rows_skipped += batch.blank_lines;
  co_return stored;
}

asio::awaitable<Salvaged> Checker::salvage_naming_lines(
    const source::Chunk& chunk, const tuple::Batch& batch,
    std::function<bool(std::size_t)> may_go_on) {
  try {
    co_return co_await salvage(with_.on, **connection_, with_.writer, with_.plan, chunk, batch,
                               std::move(may_go_on));
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
