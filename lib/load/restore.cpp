#include "load/restore.hpp"

#include <fmt/format.h>

#include "async/work_queue.hpp"
#include "writer/build_index.hpp"

namespace sluice::load {
namespace {

/// Indexes that are built, and what became of it.
struct Work {
  pg::Pool& pool;
  Sql settings;
  std::function<void(const ledger::DeferredIndex&, bool)> told;
  std::function<bool()> stopped;
  Restored restored;
  std::exception_ptr failed;
};

void note(Work& work, const ledger::DeferredIndex& index, const writer::BuiltIndex& outcome) {
  using Kind = writer::BuiltIndex::Kind;
  if (outcome.kind == Kind::refused) {
    work.restored.refused.push_back(fmt::format("index {} of load {} cannot be built again: {}",
                                                index.name, index.load.value, outcome.reason));
    return;
  }
  const bool is_built = outcome.kind == Kind::built;
  (is_built ? work.restored.built : work.restored.were_there).push_back(index.name);
  work.told(index, is_built);
}

asio::awaitable<void> build(Work& work, ledger::DeferredIndex index) {
  if (work.failed || work.stopped()) co_return;
  try {
    pg::Lease connection = co_await work.pool.acquire();
    const writer::BuiltIndex outcome =
        co_await writer::build_index(*connection, index, work.settings);
    note(work, index, outcome);
  } catch (const pg::PgError&) {
    if (!work.failed) work.failed = std::current_exception();
  }
}

}  // namespace

asio::awaitable<Restored> restore_indexes(
    pg::Pool& pool, std::vector<ledger::DeferredIndex> indexes, Sql settings, std::size_t jobs,
    std::function<void(const ledger::DeferredIndex&, bool)> told, std::function<bool()> stopped) {
  Work work{pool, std::move(settings), std::move(told), std::move(stopped), {}, nullptr};
  const auto build_one = [&work](ledger::DeferredIndex index) {
    return build(work, std::move(index));
  };
  async::WorkQueue<ledger::DeferredIndex> queue(co_await asio::this_coro::executor, jobs,
                                                indexes.size(), build_one);
  for (ledger::DeferredIndex& index : indexes) queue.try_put(std::move(index));
  co_await queue.join();
  if (work.failed) std::rethrow_exception(work.failed);
  co_return std::move(work.restored);
}

}  // namespace sluice::load
