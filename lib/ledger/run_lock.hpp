#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pg/connection.hpp"

namespace sluice::ledger {

/// The server's side of noticing that we are gone without a word, by name and value: otherwise what
/// we hold stays held for as long as its system's defaults say, often two hours.
std::vector<std::pair<std::string, std::string>> keepalive_settings();

/// Keeps a second run away from a load while one is at work, so that it can say so instead of
/// waiting at each chunk. It is an advisory lock in a transaction of its own connection, which
/// stays open (without a snapshot, so it holds back neither vacuum nor index builds): it works
/// behind a transaction pooler, and ends with the process however that ends. What makes a load
/// exactly once is not this lock but the key of pgsluice.chunks.
class RunLock {
 public:
  /// Locks what `name`, an SQL expression of type text, says in this database. `settings` are
  /// statements that come first, each with "; " behind it. Throws Failure(held) that says who holds
  /// the lock.
  static asio::awaitable<RunLock> take(std::unique_ptr<pg::Connection> connection,
                                       std::string settings, std::string name);

  /// An expression that takes the same lock for the transaction, and is true if nobody else has it.
  static std::string try_expression(const std::string& name);
  /// The same lock for the transaction that runs this statement, if nobody else has it.
  static std::string try_statement(const std::string& name);

  /// Begins a transaction on a connection of the caller's, and takes the same lock for as long as
  /// that lasts. In the same round trip it asks `question`, a query, and returns the answer.
  static asio::awaitable<pg::Result> begin_locked(pg::Connection& connection, std::string settings,
                                                  std::string name, std::string question);

 private:
  explicit RunLock(std::unique_ptr<pg::Connection> connection)
      : connection_(std::move(connection)) {}

  std::unique_ptr<pg::Connection> connection_;
};

}  // namespace sluice::ledger
