#include "ledger/run_lock.hpp"

#include "base/failure.hpp"
#include "base/identifier.hpp"
#include "base/limits.hpp"

namespace sluice::ledger {
namespace {

std::string key_of(const std::string& name) {
  return "hashtextextended('pgsluice ' || " + name + ", 0)";
}

std::string key_of_load(const RunLockNames& names) {
  return key_of("'load ' || " + names.target + " || " + quote_literal(" " + names.fingerprint));
}

std::string key_of_head(const RunLockNames& names) {
  return key_of("'head ' || " + names.target + " || " + quote_literal(" " + names.head));
}

std::string key_of_file(const RunLockNames& names) {
  return key_of("'file ' || " + names.target + " || " + quote_literal(" " + names.file));
}

std::string try_load(const RunLockNames& names) {
  std::string load = "pg_catalog.pg_try_advisory_xact_lock(" + key_of_load(names) + ")";
  const auto and_then = [&load](const std::string& other) {
    load = "(case when " + load + " then " + other + " else false end)";
  };
  if (!names.head.empty()) {
    and_then(std::string("pg_catalog.pg_try_advisory_xact_lock") +
             (names.is_stream ? "" : "_shared") + "(" + key_of_head(names) + ")");
  }
  if (!names.file.empty())
    and_then("pg_catalog.pg_try_advisory_xact_lock(" + key_of_file(names) + ")");
  return load;
}

std::string key_of_table(const RunLockNames& names) {
  return key_of("'table ' || " + names.target);
}

/// A bigint key stands in pg_locks as its two halves, with objsubid 1.
asio::awaitable<std::string> holder_of(pg::Connection& connection, std::string key) {
  const auto holders = co_await connection.query(
      "select a.pid, coalesce(a.application_name, ''), coalesce(a.usename::text, ''), "
      "coalesce(a.client_addr::text, 'this host'), date_trunc('second', a.xact_start)::text "
      "from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid "
      "where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.pid <> "
      "pg_catalog.pg_backend_pid() "
      "and l.database = (select oid from pg_catalog.pg_database where datname = "
      "current_database()) "
      "and ((l.classid::bigint << 32) | l.objid::bigint) in (" +
      key + ")");
  const pg::Result& row = holders.front();
  if (row.rows() == 0) co_return "it has just ended";
  const auto text = [&row](int column) { return std::string(row.text_or(0, column, "?")); };
  co_return "process " + text(0) + " of the server, " + text(1) + ", user " + text(2) + ", from " +
      text(3) + ", since " + text(4);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> keepalive_settings() {
  return {{"tcp_keepalives_idle", std::to_string(limits::keepalives_idle.count())},
          {"tcp_keepalives_interval", std::to_string(limits::keepalives_interval.count())},
          {"tcp_keepalives_count", std::to_string(limits::keepalives_count)}};
}

std::string RunLock::try_expression(const RunLockNames& names) {
  const std::string table = std::string("pg_catalog.pg_try_advisory_xact_lock") +
                            (names.empties_table ? "" : "_shared") + "(" + key_of_table(names) +
                            ")";
  if (names.fingerprint.empty()) return table;
  // The order of evaluation is CASE's.
  return "case when " + try_load(names) + " then " + table + " else false end";
}

std::string RunLock::is_held_expression(const std::string& target, const std::string& fingerprint) {
  return "exists (select from pg_catalog.pg_locks k where k.locktype = 'advisory' and k.granted "
         "and "
         "k.objsubid "
         "= 1 and k.pid <> pg_catalog.pg_backend_pid() and k.database = (select oid from "
         "pg_catalog.pg_database where "
         "datname = current_database()) and ((k.classid::bigint << 32) | k.objid::bigint) = " +
         key_of("'load ' || " + target + " || ' ' || " + fingerprint) + ")";
}

asio::awaitable<RunLock> RunLock::take(std::unique_ptr<pg::Connection> connection,
                                       std::string before, RunLockNames names) {
  co_await begin_locked(*connection, std::move(before), std::move(names), "select 1");
  co_return RunLock(std::move(connection));
}

// A crash ends all sessions; and the start of a server tells a replica from what it was one of.
asio::awaitable<bool> RunLock::is_held_at(pg::Connection& other) {
  const std::string ask =
      "select pg_catalog.pg_postmaster_start_time()::text || ' ' || pg_catalog.pg_is_in_recovery()";
  std::string here;
  try {
    if (!connection_->in_transaction()) co_return false;
    const auto of_lock = co_await connection_->query(ask);
    here = of_lock.back().text(0, 0);
  } catch (const pg::PgError&) {
    co_return false;
  }
  const auto of_other = co_await other.query(ask);
  co_return here == of_other.back().text(0, 0);
}

asio::awaitable<pg::Result> RunLock::begin_locked(pg::Connection& connection, std::string before,
                                                  RunLockNames names, std::string question) {
  for (const auto& [parameter, value] : keepalive_settings())
    before += "set local " + parameter + " = " + value + "; ";
  // The question is a statement of its own: what it sees is not older than the lock.
  const std::string sql = "begin isolation level read committed; " + before +
                          "set local idle_in_transaction_session_timeout = 0; " + pg::own_path +
                          "select " + try_expression(names) + "; " + question;
  // A holder that was killed, or cut off, may need a moment to go.
  const auto deadline = async::Deadline::after(limits::lock_patience);
  for (;;) {
    auto results = co_await connection.query_in_user_path(sql);
    const bool locked = results.last(1).boolean(0, 0);
    if (locked) co_return std::move(results.back());
    if (deadline.passed()) break;
    co_await connection.query("rollback");
    co_await async::sleep_for(limits::lock_poll);
  }
  // In this transaction the load's lock is ours where it is the table's that is held.
  std::string of_load = "select false";
  if (!names.fingerprint.empty()) of_load = "select not " + try_load(names);
  const auto answer = co_await connection.query(of_load);
  const bool is_load = answer.front().boolean(0, 0);
  std::string key = key_of_table(names);
  if (is_load) key = key_of_load(names) + (names.file.empty() ? "" : ", " + key_of_file(names));
  const std::string holder = co_await holder_of(connection, std::move(key));
  std::string message = "another run holds this load (" + holder + ")";
  if (!is_load && names.empties_table) {
    message = "another run loads into the table that --truncate would empty (" + holder + ")";
  } else if (!is_load) {
    message = "another run with --truncate is at work on the table (" + holder + ")";
  }
  message += "; nothing was changed";
  if (is_load) throw LoadIsHeld(message);
  throw Failure(FailureKind::held, message);
}

}  // namespace sluice::ledger
