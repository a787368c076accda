#include "ledger/run_lock.hpp"

#include <compare>
#include <set>
#include <span>
#include <vector>

#include "base/columns.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "pg/batch.hpp"

namespace sluice::ledger {
namespace {

Sql key_of(const Sql& name) { return sql("hashtextextended('pgsluice ' || {}, 0)", name); }

/// One of the locks of a run: what kind it is, and of what.
struct Key {
  std::string kind;
  std::string name;  ///< or empty
  bool is_shared = false;

  auto operator<=>(const Key&) const = default;
};

Sql key_of(const RunLockNames& names, const Key& key) {
  return key_of(sql("{} || {} || {}", literal(key.kind + " "), names.target,
                    literal(key.name.empty() ? "" : " " + key.name)));
}

Key load_key(const RunLockNames& names) { return {"load", names.fingerprint}; }
Key file_key(const RunLockNames& names) { return {"file", names.file}; }
/// Held by all transactions of a run whose load others may take.
Key joiners_key(const RunLockNames& names) { return {"join", names.fingerprint, true}; }
Key table_key(const RunLockNames& names) { return {"table", "", !names.empties_table}; }

Sql key_of_load(const RunLockNames& names) { return key_of(names, load_key(names)); }
Sql key_of_file(const RunLockNames& names) { return key_of(names, file_key(names)); }
Sql key_of_table(const RunLockNames& names) { return key_of(names, table_key(names)); }
Sql key_of_joiners(const RunLockNames& names) { return key_of(names, joiners_key(names)); }

bool may_be_taken(const RunLockNames& names) {
  return names.lease > std::chrono::milliseconds::zero() && !names.fingerprint.empty();
}

/// Of the load, in their order. The mark comes with the lock: one that is paused between two of its
/// keys, or as it finds that it cannot have all, is as silent as one that loads.
std::vector<Key> keys_of_load(const RunLockNames& names) {
  if (names.fingerprint.empty()) return {};
  std::vector<Key> keys{load_key(names)};
  if (may_be_taken(names)) keys.push_back(joiners_key(names));
  if (!names.head.empty()) keys.push_back({"head", names.head, !names.is_stream});
  if (!names.file.empty()) keys.push_back(file_key(names));
  return keys;
}

Sql try_key_shared(const Sql& key) {
  return sql("pg_catalog.pg_try_advisory_xact_lock_shared({})", key);
}
Sql try_key(const RunLockNames& names, const Key& key) {
  const Sql number = key_of(names, key);
  return key.is_shared ? try_key_shared(number)
                       : sql("pg_catalog.pg_try_advisory_xact_lock({})", number);
}

/// The order of evaluation is CASE's.
Sql try_keys(const RunLockNames& names, const std::vector<Key>& keys) {
  Sql all = try_key(names, keys.front());
  for (const Key& key : std::span(keys).subspan(1))
    all = sql("(case when {} then {} else false end)", all, try_key(names, key));
  return all;
}

/// A bigint key stands in pg_locks as its two halves, with objsubid 1.
asio::awaitable<std::string> holder_of(pg::Connection& connection, Sql key) {
  static constexpr auto holder = columns_of({
      {"pid", "a.pid"},
      {"application", "coalesce(a.application_name, '')"},
      {"user", "coalesce(a.usename::text, '')"},
      {"address", "coalesce(a.client_addr::text, 'this host')"},
      {"since", "coalesce(to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SSOF'), a.xact_start::text)"},
  });
  const Sql ask = sql(
      "select {} from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = "
      "l.pid where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.pid <> "
      "pg_catalog.pg_backend_pid() and l.database = (select oid from pg_catalog.pg_database where "
      "datname = current_database()) and ((l.classid::bigint << 32) | l.objid::bigint) in ({})",
      holder.list(), key);
  const auto holders = co_await connection.query(ask);
  const pg::Result& row = holders.front();
  if (row.rows() == 0) co_return "it has just ended";
  const auto text = [&row](int column) { return std::string(row.text_or(0, column, "?")); };
  std::string shown = "process " + text(holder["pid"]) + " of the server, ";
  shown += text(holder["application"]) + ", user " + text(holder["user"]) + ", from ";
  shown += text(holder["address"]) + ", since " + text(holder["since"]);
  co_return shown;
}

/// Sessions of this database that hold an advisory lock, with its key. A bigint key stands in
/// pg_locks as its two halves, with objsubid 1.
constexpr SqlWords holders =
    "holders as (select l.pid, (l.classid::bigint << 32) | l.objid::bigint as key from "
    "pg_catalog.pg_locks l where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and "
    "l.pid <> pg_catalog.pg_backend_pid() and l.database = (select oid from "
    "pg_catalog.pg_database where datname = current_database()))";

/// Of a session `a` with its role `r`: this one may end it.
constexpr SqlWords may_be_ended =
    "pg_catalog.pg_has_role(a.usesysid, 'USAGE') and (not r.rolsuper or (select m.rolsuper from "
    "pg_catalog.pg_roles m where m.rolname = current_user))";

/// Ends the sessions of other runs of this load that may be taken over, where `is_over` is true;
/// how many. Those of a role whose sessions this one may not end are left.
Sql end_joiners(const RunLockNames& names, const Sql& is_over) {
  return sql(
      "with {} select count(pg_catalog.pg_terminate_backend(h.pid)) from holders h join "
      "pg_catalog.pg_stat_activity a on a.pid = h.pid join pg_catalog.pg_roles r on r.oid = "
      "a.usesysid where h.key = {} and {} and {}",
      holders, key_of_joiners(names), may_be_ended, is_over);
}

/// Who has the load has not been heard of for the time of its lease, while the server waits for it.
Sql is_silent(const RunLockNames& names) {
  return sql(
      "exists (select from holders o join holders j on j.pid = o.pid join "
      "pg_catalog.pg_stat_activity s on s.pid = o.pid where o.key = {} and j.key = {} and (s.state "
      "like 'idle in transaction%' or (s.state = 'active' and s.wait_event = 'ClientRead')) and "
      "greatest(s.state_change, s.query_start) < pg_catalog.clock_timestamp() - "
      "pg_catalog.make_interval(secs => {}))",
      key_of_load(names), key_of_joiners(names),
      std::chrono::duration<double>(names.lease).count());
}

/// True where a run was silent for too long, and its sessions are being ended.
asio::awaitable<bool> end_silent(pg::Connection& connection, const RunLockNames& names) {
  if (!may_be_taken(names)) co_return false;
  const Sql end = end_joiners(names, is_silent(names));
  const auto ended = co_await connection.query(end);
  co_return ended.front().integer(0, 0) > 0;
}

}  // namespace

RunLock::RunLock(const asio::any_io_executor& executor, std::unique_ptr<pg::Connection> connection)
    : connection_(std::move(connection)), turn_(std::make_unique<async::Semaphore>(executor, 1)) {}

std::vector<std::pair<std::string, std::string>> keepalive_settings() {
  return {{"tcp_keepalives_idle", std::to_string(limits::keepalives_idle.count())},
          {"tcp_keepalives_interval", std::to_string(limits::keepalives_interval.count())},
          {"tcp_keepalives_count", std::to_string(limits::keepalives_count)}};
}

Sql RunLock::try_expression(const RunLockNames& names) {
  std::vector<Key> keys = keys_of_load(names);
  keys.push_back(table_key(names));
  return try_keys(names, keys);
}

Sql RunLock::try_all_expression(const std::vector<RunLockNames>& all) {
  std::set<Key> keys;
  for (const RunLockNames& names : all) {
    keys.merge(std::set<Key>{table_key(names)});
    for (Key& key : keys_of_load(names)) keys.insert(std::move(key));
  }
  const Sql rows = sql_list(std::vector<Key>(keys.begin(), keys.end()), [](const Key& key) {
    return sql("({}, {}, {})", literal(key.kind + " "),
               literal(key.name.empty() ? "" : " " + key.name), key.is_shared);
  });
  const Sql number = key_of(sql("k.kind || {} || k.name", all.front().target));
  return sql(
      "(select pg_catalog.bool_and(case when k.is_shared then "
      "pg_catalog.pg_try_advisory_xact_lock_shared({}) else pg_catalog.pg_try_advisory_xact_lock({}"
      ") end) from (values {}) k (kind, name, is_shared))",
      number, number, rows);
}

Sql RunLock::mark_statement(const RunLockNames& names) {
  if (!may_be_taken(names)) return {};
  return sql("select {}; ", try_key_shared(key_of_joiners(names)));
}

Sql RunLock::is_held_expression(const Sql& target, const Sql& fingerprint) {
  return sql(
      "exists (select from pg_catalog.pg_locks k where k.locktype = 'advisory' and k.granted and "
      "k.objsubid = 1 and k.pid <> pg_catalog.pg_backend_pid() and k.database = (select oid from "
      "pg_catalog.pg_database where datname = current_database()) and ((k.classid::bigint << 32) | "
      "k.objid::bigint) = {})",
      key_of(sql("'load ' || {} || ' ' || {}", target, fingerprint)));
}

asio::awaitable<RunLock> RunLock::take(std::unique_ptr<pg::Connection> connection, Sql before,
                                       RunLockNames names) {
  Sql question = sql("select 1");
  co_await begin_locked(*connection, before, names, std::move(question));
  co_await end_left(*connection, names);
  const auto executor = co_await asio::this_coro::executor;
  co_return RunLock(executor, std::move(connection));
}

asio::awaitable<void> RunLock::end_left(pg::Connection& connection, RunLockNames names) {
  if (!may_be_taken(names)) co_return;
  const Sql end = end_joiners(names, sql("true"));
  co_await connection.query(end);
}

asio::awaitable<void> RunLock::end_where_silent(pg::Connection& connection, RunLockNames names) {
  co_await end_silent(connection, names);
}

asio::awaitable<std::string> RunLock::not_to_be_ended(pg::Connection& connection,
                                                      RunLockNames names) {
  static constexpr auto sessions = columns_of({
      {"shown",
       "coalesce(string_agg(distinct format('process %s of the server, user %s', a.pid, "
       "a.usename), ', '), '')"},
  });
  const Sql ask = sql(
      "with {} select {} from holders h join pg_catalog.pg_stat_activity a on a.pid = h.pid join "
      "pg_catalog.pg_roles r on r.oid = a.usesysid where h.key = {} and not ({})",
      holders, sessions.list(), key_of_load(names), may_be_ended);
  const auto found = co_await connection.query(ask);
  co_return std::string(found.front().text(0, sessions["shown"]));
}

asio::awaitable<bool> RunLock::renew() {
  const auto turn = co_await turn_->acquire();
  try {
    if (!connection_->in_transaction()) co_return false;
    co_await connection_->query("select 1");
    co_return true;
  } catch (const pg::PgError&) {
    co_return false;
  }
}

asio::awaitable<std::optional<pg::Result>> RunLock::ask(pg::Batch question) {
  const auto turn = co_await turn_->acquire();
  std::optional<pg::Result> answer;
  try {
    if (!connection_->in_transaction()) co_return answer;
    const Sql statements = sql(
        "savepoint pgsluice_question; {}; release savepoint pgsluice_question", question.text());
    pg::Results results = co_await connection_->query(statements);
    answer = std::move(results.last(1));
  } catch (const pg::PgError&) {
    answer.reset();
  }
  if (answer || !connection_->in_failed_transaction()) co_return answer;
  try {
    co_await connection_->query("rollback to savepoint pgsluice_question");
  } catch (const pg::PgError&) {
    // The lock is lost, and renew() says so.
  }
  co_return answer;
}

// A crash ends all sessions; and the start of a server tells a replica from what it was one of.
asio::awaitable<bool> RunLock::is_held_at(pg::Connection& other) {
  static constexpr SqlWords ask =
      "select pg_catalog.pg_postmaster_start_time()::text || ' ' || pg_catalog.pg_is_in_recovery()";
  std::string here;
  const auto turn = co_await turn_->acquire();
  try {
    if (!connection_->in_transaction()) co_return false;
    const auto of_lock = co_await connection_->query(ask.text());
    here = of_lock.back().text(0, 0);
  } catch (const pg::PgError&) {
    co_return false;
  }
  const auto of_other = co_await other.query(ask.text());
  co_return here == of_other.back().text(0, 0);
}

asio::awaitable<pg::Result> RunLock::begin_locked(pg::Connection& connection, Sql before,
                                                  RunLockNames names, Sql question) {
  for (const auto& [parameter, value] : keepalive_settings())
    before += sql("set local {} = {}; ", identifier(parameter), literal(value));
  pg::Batch batch(
      sql("begin isolation level read committed; {}set local "
          "idle_in_transaction_session_timeout = 0; {}",
          before, pg::own_path));
  const auto lock = batch.add(sql("select {}", try_expression(names)));
  // The question is a statement of its own: what it sees is not older than the lock.
  batch.add(question);
  // A holder that was killed, or cut off, may need a moment to go.
  auto deadline = async::Deadline::after(names.patience);
  for (bool has_ended = false;;) {
    auto results = co_await connection.query_in_user_path(batch.text());
    const bool locked = batch.answer(results, lock).boolean(0, 0);
    if (locked) co_return std::move(results.back());
    if (deadline.passed()) {
      has_ended = !has_ended && co_await end_silent(connection, names);
      if (!has_ended) break;
      deadline = async::Deadline::after(limits::lock_patience);
    }
    co_await connection.query("rollback");
    co_await async::sleep_for(limits::lock_poll);
  }
  // In this transaction the load's lock is ours where it is the table's that is held.
  Sql of_load = sql("select false");
  if (!names.fingerprint.empty())
    of_load = sql("select not {}", try_keys(names, keys_of_load(names)));
  const auto answer = co_await connection.query(of_load);
  const bool is_load = answer.front().boolean(0, 0);
  Sql key = key_of_table(names);
  if (is_load) key = key_of_load(names);
  if (is_load && !names.file.empty()) key += sql(", {}", key_of_file(names));
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
