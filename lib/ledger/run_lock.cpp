#include "ledger/run_lock.hpp"

#include "base/failure.hpp"
#include "base/limits.hpp"

namespace sluice::ledger {
namespace {

std::string key_of(const std::string& name) {
  return "hashtextextended('pgsluice ' || " + name + ", 0)";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> keepalive_settings() {
  return {{"tcp_keepalives_idle", std::to_string(limits::keepalives_idle.count())},
          {"tcp_keepalives_interval", std::to_string(limits::keepalives_interval.count())},
          {"tcp_keepalives_count", std::to_string(limits::keepalives_count)}};
}

std::string RunLock::try_expression(const std::string& name) {
  return "pg_try_advisory_xact_lock(" + key_of(name) + ")";
}

std::string RunLock::try_statement(const std::string& name) {
  return "select " + try_expression(name) + "; ";
}

asio::awaitable<RunLock> RunLock::take(std::unique_ptr<pg::Connection> connection,
                                       std::string settings, std::string name) {
  co_await begin_locked(*connection, std::move(settings), std::move(name), "select 1");
  co_return RunLock(std::move(connection));
}

asio::awaitable<pg::Result> RunLock::begin_locked(pg::Connection& connection, std::string settings,
                                                  std::string name, std::string question) {
  const std::string key = key_of(name);
  for (const auto& [parameter, value] : keepalive_settings())
    settings += "set local " + parameter + " = " + value + "; ";
  const std::string sql = "begin; " + settings +
                          "set local idle_in_transaction_session_timeout = 0; select "
                          "pg_try_advisory_xact_lock(" +
                          key + "); " + question;
  // A holder that was killed, or cut off, may need a moment to go.
  const auto deadline = async::Deadline::after(limits::lock_patience);
  for (;;) {
    auto results = co_await connection.query(sql);
    const bool locked = results[results.size() - 2].boolean(0, 0);
    if (locked) co_return std::move(results.back());
    if (deadline.passed()) break;
    co_await connection.query("rollback");
    co_await async::sleep_for(limits::lock_poll);
  }

  // A bigint key stands in pg_locks as its two halves, with objsubid 1.
  const auto holders = co_await connection.query(
      "select a.pid, coalesce(a.application_name, ''), coalesce(a.usename::text, ''), "
      "coalesce(a.client_addr::text, 'this host'), date_trunc('second', a.xact_start)::text "
      "from pg_locks l left join pg_stat_activity a on a.pid = l.pid "
      "where l.locktype = 'advisory' and l.granted and l.objsubid = 1 "
      "and l.database = (select oid from pg_database where datname = current_database()) "
      "and ((l.classid::bigint << 32) | l.objid::bigint) = " +
      key);
  std::string holder = "it has just ended";
  if (holders.front().rows() > 0) {
    const pg::Result& row = holders.front();
    holder = "process " + std::string(row.text(0, 0)) + " of the server, " +
             std::string(row.text(0, 1)) + ", user " + std::string(row.text(0, 2)) + ", from " +
             std::string(row.text(0, 3)) + ", since " + std::string(row.text(0, 4));
  }
  throw Failure(FailureKind::held,
                "another run holds this load (" + holder + "); nothing was changed");
}

}  // namespace sluice::ledger
