#include "migrate/lock.hpp"

#include "base/backoff.hpp"
#include "base/failure.hpp"
#include "base/identifier.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"

namespace sluice::migrate {
namespace {

/// A key of this database's table and the project; the database is part of an advisory lock anyway.
std::string key_of(LockScope scope, const std::string& project) {
  return "hashtextextended(" +
         quote_literal(std::string("pgsluice.migrations ") +
                       (scope == LockScope::runner ? "runner " : "session ") + project) +
         ", 0)";
}

/// pg_locks shows a bigint key as its two halves, with objsubid 1.
std::string holders(const std::string& columns, const std::string& key) {
  return "select " + columns +
         " from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid "
         "where l.locktype = "
         "'advisory' and l.granted and l.objsubid = 1 and l.database = (select oid from "
         "pg_catalog.pg_database where datname = current_database()) and ((l.classid::bigint << "
         "32) | "
         "l.objid::bigint) = " +
         key;
}

std::string name_of_holder(Session& session, const std::string& key) {
  const script::Rows rows = session.query(
      holders("'process ' || l.pid || ' of the server, ' || coalesce(nullif(a.application_name, "
              "''), 'a program without a name') || ', user ' || coalesce(a.usename::text, '?') || "
              "', from ' || coalesce(host(a.client_addr), 'this host') || ', since ' || "
              "coalesce(date_trunc('second', a.backend_start)::text, '?')",
              key));
  return rows.empty() ? "it has just ended" : rows.front()[0];
}

}  // namespace

void take_lock(Session& session, LockScope scope, const std::string& project,
               const LockWait& wait) {
  const std::string key = key_of(scope, project);
  const Backoff poll{limits::lock_poll, limits::migration_lock_poll_max};
  const auto deadline = std::chrono::steady_clock::now() + wait.patience;
  for (std::size_t attempt = 0;; ++attempt) {
    if (session.is_true("select pg_catalog.pg_try_advisory_lock(" + key + ")")) return;
    if (attempt == 0) wait.note("waiting for " + name_of_holder(session, key));
    if (std::chrono::steady_clock::now() >= deadline) break;
    wait.stop->sleep(poll.delay(attempt, random_share()));
  }
  throw Failure(FailureKind::held, "another run migrates this database (" +
                                       name_of_holder(session, key) +
                                       "), and does so for longer than --lock-wait " +
                                       format_duration(wait.patience) + "; nothing was changed");
}

std::string is_held_by(LockScope scope, const std::string& project, int process) {
  return "exists (" + holders("1", key_of(scope, project)) +
         " and l.pid = " + std::to_string(process) + ")";
}

std::string holds_others(LockScope scope, const std::string& project, int process) {
  const std::string ours = is_held_by(scope, project, process);
  return "(select count(*) from pg_catalog.pg_locks where locktype = 'advisory' and granted and "
         "pid "
         "= " +
         std::to_string(process) + ") > (case when " + ours + " then 1 else 0 end)";
}

void end_holder(Session& session, LockScope scope, const std::string& project, int process) {
  const std::string is_it = "l.pid = " + std::to_string(process);
  session.query(holders("pg_catalog.pg_terminate_backend(l.pid)", key_of(scope, project)) +
                " and " + is_it);
}

void refuse_transaction_pooler(Session& session, Session& other) {
  const std::string ask = "select pg_catalog.pg_backend_pid()";
  const std::string first = session.value(ask);
  if (first == std::to_string(session.announced_backend())) return;
  // Something stands between. While the other session is in a transaction, it keeps the process
  // that serves it: in transaction mode that is the one that served this session last.
  const std::string busy = other.value("begin; " + ask);
  const std::string second = session.value(ask);
  other.query("rollback");
  if (busy != first && second == first) return;
  throw Failure(FailureKind::usage,
                "this connection goes through a pooler in transaction mode (PgBouncer?), where the "
                "lock that keeps two runners apart does not hold; give the server's own address: "
                "--migrate-url URL");
}

}  // namespace sluice::migrate
