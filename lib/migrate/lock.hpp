#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "migrate/session.hpp"

namespace sluice::migrate {

/// What is locked: the runner's right to migrate a project, or the session in which the files run,
/// which may outlive a runner that was killed.
enum class LockScope { runner, session };

struct LockWait {
  std::chrono::milliseconds patience;
  std::function<void(const std::string&)> note;  ///< told once who is waited for
  const Stop* stop;
};

/// Takes an advisory lock for the life of the session. Polls: a waiting pg_advisory_lock() would be
/// a transaction that CREATE INDEX CONCURRENTLY waits for, for ever. Throws Failure{held} with the
/// holder's name when it is still held after `patience`.
void take_lock(Session& session, LockScope scope, const std::string& project, const LockWait& wait);

/// An SQL expression: whether this process of the server holds the lock.
Sql is_held_by(LockScope scope, const std::string& project, int process);

/// The same: whether it holds any other one.
Sql holds_others(LockScope scope, const std::string& project, int process);

/// Ends another session that holds the lock, if it is this user's own of the given process: what is
/// left of a connection that was lost.
void end_holder(Session& session, LockScope scope, const std::string& project, int process);

/// Throws Failure{usage} with advice if a pooler gives each transaction of a session another server
/// process: then no lock of a session holds. Both sessions must have come by the same way.
void refuse_transaction_pooler(Session& session, Session& other);

}  // namespace sluice::migrate
