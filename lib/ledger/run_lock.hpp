#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "pg/connection.hpp"

namespace sluice::ledger {

/// Keeps a second run away from a load while one is at work, so that it can say so instead of
/// waiting at each chunk. It is an advisory lock in a transaction of its own connection, which
/// stays open (without a snapshot, so it holds back neither vacuum nor index builds): it works
/// behind a transaction pooler, and ends with the process however that ends. What makes a load
/// exactly once is not this lock but the key of pgsluice.chunks.
class RunLock {
 public:
  /// Locks what `name` names in this database. Throws Failure(held) that says who holds it.
  static asio::awaitable<RunLock> take(std::unique_ptr<pg::Connection> connection,
                                       std::string name);

 private:
  explicit RunLock(std::unique_ptr<pg::Connection> connection)
      : connection_(std::move(connection)) {}

  std::unique_ptr<pg::Connection> connection_;
};

}  // namespace sluice::ledger
