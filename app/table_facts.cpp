#include "app/table_facts.hpp"

#include "load/retry_policy.hpp"
#include "pg/encoding.hpp"
#include "writer/catalog.hpp"
#include "writer/table_name.hpp"

namespace sluice::app {
namespace {

asio::awaitable<void> ask(pg::Pool& pool, const plan::LoadOptions& options, TableFacts& facts) {
  const load::RetryPolicy policy{options.retry_for, load::retry_backoff, true};
  const auto on_full = [] {};
  std::unique_ptr<pg::Connection> opened = co_await pool.take_idle();
  if (!opened) opened = co_await load::open_first(pool.options(), policy, on_full);
  pool.put(std::move(opened));
  pg::Lease connection = co_await pool.acquire();
  const writer::Place place =
      co_await writer::begin_at(*connection, options.table, options.settings);
  co_await connection->query("rollback");
  facts.name = place.schema + "." + place.name;
  facts.is_there = place.table != 0;
  facts.takes_any_bytes = connection->data_encoding() != pg::utf8;
  if (!facts.is_there) co_return;
  const bool has_ledger = co_await ledger::is_readable(*connection, ledger::Use::load);
  if (has_ledger) facts.made = co_await ledger::made_table(*connection, place.table);
}

}  // namespace

TableFacts ask_about_table(Runtime& runtime, const plan::LoadOptions& options) {
  writer::require_table_name(options.table);
  TableFacts facts;
  runtime.end_on_signal();
  try {
    runtime.run(ask(runtime.pool(), options, facts));
  } catch (const pg::PgError& error) {
    const bool is_of_connection = error.phase == pg::Phase::connect;
    throw Failure(is_of_connection ? FailureKind::connect : FailureKind::failed, error.full());
  } catch (const boost::system::system_error&) {
    if (runtime.signal() == 0) throw;
    throw Failure(FailureKind::interrupted, "interrupted; nothing was stored");
  }
  runtime.on_signal({}, {});
  return facts;
}

}  // namespace sluice::app
