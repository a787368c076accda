#include "load/restore.hpp"

#include "async/work_queue.hpp"

namespace sluice::load {
namespace {

/// Indexes that are built, and what became of it.
struct Work {
  pg::Pool& pool;
  std::string settings;
  std::function<void(const ledger::DeferredIndex&)> built;
  std::function<bool()> stopped;
  std::exception_ptr failed;
};

asio::awaitable<void> build(Work& work, ledger::DeferredIndex index) {
  if (work.failed || work.stopped()) co_return;
  try {
    pg::Lease connection = co_await work.pool.acquire();
    co_await ledger::restore_index(*connection, index, work.settings);
    work.built(index);
  } catch (const pg::PgError&) {
    if (!work.failed) work.failed = std::current_exception();
  }
}

}  // namespace

asio::awaitable<void> restore_indexes(pg::Pool& pool, std::vector<ledger::DeferredIndex> indexes,
                                      std::string settings, std::size_t jobs,
                                      std::function<void(const ledger::DeferredIndex&)> built,
                                      std::function<bool()> stopped) {
  Work work{pool, std::move(settings), std::move(built), std::move(stopped), nullptr};
  const auto build_one = [&work](ledger::DeferredIndex index) {
    return build(work, std::move(index));
  };
  async::WorkQueue<ledger::DeferredIndex> queue(co_await asio::this_coro::executor, jobs,
                                                indexes.size(), build_one);
  for (ledger::DeferredIndex& index : indexes) queue.try_put(std::move(index));
  co_await queue.join();
  if (work.failed) std::rethrow_exception(work.failed);
}

}  // namespace sluice::load
