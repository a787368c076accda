#include "serve/rejects_view.hpp"

#include "async/deadline.hpp"
#include "base/limits.hpp"
#include "rejects/reject_table.hpp"

namespace sluice::serve {
namespace {

using rejects::RejectTable;

/// No connection is held while who asked is slow to read.
asio::awaitable<std::string> next_part(pg::Pool& pool, LoadId load, RejectTable::What what,
                                       RejectTable::Place& place) {
  pg::Lease connection = co_await pool.acquire();
  co_return co_await RejectTable::read(*connection, load, what, place);
}

asio::awaitable<std::uint64_t> count_of(pg::Pool& pool, LoadId load) {
  pg::Lease connection = co_await pool.acquire();
  co_return co_await RejectTable::count(*connection, load);
}

asio::awaitable<void> require_any(pg::Pool& pool, const ledger::LoadEntry& load) {
  const std::string number = std::to_string(load.id.value);
  if (load.rejects_path != RejectTable::place && load.totals.rows_rejected > 0)
    throw Refused{404, "the rejects of load " + number + " are in a file of the host that ran it"};
  asio::awaitable<std::uint64_t> counting = count_of(pool, load.id);
  const auto deadline = async::Clock::now() + limits::serve_question_max;
  const std::uint64_t count = co_await async::with_deadline(std::move(counting), deadline);
  if (count == 0) throw Refused{404, "load " + number + " rejected nothing"};
}

}  // namespace

asio::awaitable<void> send_rejects(Exchange& exchange, pg::Pool& pool,
                                   const ledger::LoadEntry& load, const std::string& ending) {
  co_await require_any(pool, load);
  const bool is_csv = ending == ".csv";
  Answer head{.headers = {{"Content-Disposition", "attachment; filename=\"load-" +
                                                      std::to_string(load.id.value) + ".rejects" +
                                                      ending + "\""}},
              .type = is_csv ? "text/csv" : "application/jsonl"};
  co_await exchange.begin(std::move(head));
  if (exchange.request().method == "HEAD") co_return;
  RejectTable::Place place;
  const RejectTable::What what = is_csv ? RejectTable::What::records : RejectTable::What::reasons;
  for (;;) {
    const auto deadline = async::Clock::now() + limits::serve_question_max;
    asio::awaitable<std::string> reading = next_part(pool, load.id, what, place);
    std::string part = co_await async::with_deadline(std::move(reading), deadline);
    if (part.empty()) co_return;
    co_await exchange.write(std::move(part));
  }
}

}  // namespace sluice::serve
