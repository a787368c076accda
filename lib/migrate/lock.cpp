#include "migrate/lock.hpp"

#include "base/backoff.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"
#include "base/sql.hpp"

namespace sluice::migrate {
namespace {

/// A key of this database's table and the project; the database is part of an advisory lock anyway.
Sql key_of(LockScope scope, const std::string& project) {
  const char* const whose = scope == LockScope::runner ? "runner " : "session ";
  return sql("hashtextextended({}, 0)",
             literal(std::string("pgsluice.migrations ") + whose + project));
}

/// pg_locks shows a bigint key as its two halves, with objsubid 1.
Sql holders(SqlWords columns, const Sql& key) {
  return sql(
      "select {} from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = "
      "l.pid where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.database = "
      "(select oid from pg_catalog.pg_database where datname = current_database()) and "
      "((l.classid::bigint << 32) | l.objid::bigint) = {}",
      columns, key);
}

std::string name_of_holder(Session& session, const Sql& key) {
  static constexpr SqlWords name =
      "'process ' || l.pid || ' of the server, ' || coalesce(nullif(a.application_name, ''), 'a "
      "program without a name') || ', user ' || coalesce(a.usename::text, '?') || ', from ' || "
      "coalesce(host(a.client_addr), 'this host') || ', since ' || coalesce(to_char("
      "a.backend_start, 'YYYY-MM-DD HH24:MI:SSOF'), '?')";
  const script::Rows rows = session.query(holders(name, key));
  return rows.empty() ? "it has just ended" : rows.front()[0];
}

}  // namespace

void take_lock(Session& session, LockScope scope, const std::string& project,
               const LockWait& wait) {
  const Sql key = key_of(scope, project);
  const Backoff poll{limits::lock_poll, limits::migration_lock_poll_max};
  const auto deadline = std::chrono::steady_clock::now() + wait.patience;
  for (std::size_t attempt = 0;; ++attempt) {
    if (session.is_true(sql("select pg_catalog.pg_try_advisory_lock({})", key))) return;
    if (attempt == 0) wait.note("waiting for " + name_of_holder(session, key));
    if (std::chrono::steady_clock::now() >= deadline) break;
    wait.stop->sleep(poll.delay(attempt, random_share()));
  }
  throw Failure(FailureKind::held, "another run migrates this database (" +
                                       name_of_holder(session, key) +
                                       "), and does so for longer than --lock-wait " +
                                       format_duration(wait.patience) + "; nothing was changed");
}

Sql is_held_by(LockScope scope, const std::string& project, int process) {
  return sql("exists ({} and l.pid = {})", holders("1", key_of(scope, project)), process);
}

Sql holds_others(LockScope scope, const std::string& project, int process) {
  return sql(
      "(select count(*) from pg_catalog.pg_locks where locktype = 'advisory' and granted and pid = "
      "{}) > (case when {} then 1 else 0 end)",
      process, is_held_by(scope, project, process));
}

void end_holder(Session& session, LockScope scope, const std::string& project, int process) {
  static constexpr SqlWords end = "pg_catalog.pg_terminate_backend(l.pid)";
  session.query(sql("{} and l.pid = {}", holders(end, key_of(scope, project)), process));
}

void refuse_transaction_pooler(Session& session, Session& other) {
  const Sql ask = sql("select pg_catalog.pg_backend_pid()");
  const std::string first = session.value(ask);
  if (first == std::to_string(session.announced_backend())) return;
  // Something stands between. While the other session is in a transaction, it keeps the process
  // that serves it: in transaction mode that is the one that served this session last.
  const std::string busy = other.value(sql("begin; {}", ask));
  const std::string second = session.value(ask);
  other.query(sql("rollback"));
  if (busy != first && second == first) return;
  throw Failure(FailureKind::usage,
                "this connection goes through a pooler in transaction mode (PgBouncer?), where the "
                "lock that keeps two runners apart does not hold; give the server's own address: "
                "--migrate-url URL");
}

}  // namespace sluice::migrate
