#include "load/restore.hpp"

#include <algorithm>

#include "async/task_group.hpp"

namespace sluice::load {
namespace {

struct Work {
  pg::Pool& pool;
  std::vector<ledger::DeferredIndex> indexes;
  std::string settings;
  std::function<void(const ledger::DeferredIndex&)> built;
  std::function<bool()> stopped;
  std::size_t next = 0;
  std::exception_ptr failed;
};

asio::awaitable<void> build_some(Work& work) {
  while (work.next < work.indexes.size() && !work.failed && !work.stopped()) {
    const ledger::DeferredIndex& index = work.indexes[work.next++];
    try {
      pg::Lease connection = co_await work.pool.acquire();
      co_await ledger::restore_index(*connection, index, work.settings);
      work.built(index);
    } catch (const pg::PgError&) {
      if (!work.failed) work.failed = std::current_exception();
    }
  }
}

}  // namespace

asio::awaitable<void> restore_indexes(pg::Pool& pool, std::vector<ledger::DeferredIndex> indexes,
                                      std::string settings, std::size_t jobs,
                                      std::function<void(const ledger::DeferredIndex&)> built,
                                      std::function<bool()> stopped) {
  const std::size_t at_once = std::min(jobs, indexes.size());
  Work work{
      pool,   std::move(indexes), std::move(settings), std::move(built), std::move(stopped), 0,
      nullptr};
  async::TaskGroup tasks(co_await asio::this_coro::executor);
  for (std::size_t i = 0; i < at_once; ++i) tasks.spawn(build_some(work));
  co_await tasks.join();
  if (work.failed) std::rethrow_exception(work.failed);
}

}  // namespace sluice::load
