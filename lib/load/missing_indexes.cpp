#include "load/missing_indexes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/quantity.hpp"
#include "load/restore.hpp"

namespace sluice::load {

std::string count_of_indexes(std::size_t count) {
  return count == 1 ? "1 index" : std::to_string(count) + " indexes";
}

asio::awaitable<void> MissingIndexes::watch() {
  if (plan_.strategy.staged) co_return;
  std::vector<ledger::DeferredIndex> missing = co_await find();
  wide_keys_ = std::make_unique<WideKeys>(run_.on, plan_, std::move(missing), run_.report.notes,
                                          co_await asio::this_coro::executor);
}

asio::awaitable<void> MissingIndexes::build() {
  if (plan_.options.more_follows) co_return;
  std::vector<ledger::DeferredIndex> missing = co_await find();
  if (missing.empty()) co_return;
  run_.progress.stage = Progress::Stage::indexing;
  const auto began = async::Clock::now();
  const auto told = [](const ledger::DeferredIndex&, bool) {};
  const auto is_stopped = [this] { return run_.is_stopped; };
  const Restored restored = co_await restore_indexes(
      run_.on.pool, std::move(missing), plan_.target.settings_sql, plan_.jobs, told, is_stopped);
  run_.require_going_on();
  const std::size_t count = restored.built.size() + restored.were_there.size();
  if (count > 0) {
    const std::chrono::duration<double> seconds = async::Clock::now() - began;
    run_.note(
        fmt::format("built {} again in {}", count_of_indexes(count), format_duration(seconds)));
  }
  unbuilt_ = fmt::format("{}", fmt::join(restored.refused, "\n"));
}

void MissingIndexes::require_built() const {
  if (unbuilt_.empty()) return;
  throw Failure(FailureKind::failed, unbuilt_,
                "All rows are stored. pgsluice loads restore builds such an index once it can be, "
                "pgsluice loads forget gives it up.");
}

asio::awaitable<void> MissingIndexes::tell() {
  const std::vector<ledger::DeferredIndex> missing = co_await find();
  if (missing.empty()) co_return;
  run_.note(fmt::format(
      "{} of {} wait to be built again: the same command does so at its end, pgsluice loads "
      "restore "
      "{} does so now",
      count_of_indexes(missing.size()), plan_.target.table.full_name(), run_.report.load->value));
}

asio::awaitable<std::vector<ledger::DeferredIndex>> MissingIndexes::find() {
  pg::Lease connection = co_await run_.on.pool.acquire();
  const tuple::Table& table = plan_.target.table;
  ledger::TargetTable target{table.id, table.schema, table.name};
  co_return co_await ledger::missing_indexes(*connection, std::move(target), *run_.report.load);
}

}  // namespace sluice::load
