#pragma once

#include <exception>

#include "load/replica_lag.hpp"
#include "load/run.hpp"
#include "pg/connection.hpp"

namespace sluice::load {

/// Keeps a load from leaving the server's replicas too far behind (--max-lag): by a connection of
/// its own it looks at them some times a second, and while one is further behind than half of the
/// limit, no chunk begins. What is under way then is what the other half is for.
class ReplicaWatch {
 public:
  /// `run` outlives it.
  ReplicaWatch(Run& run, plan::LagLimit limit) : run_(run), limit_(limit) {}

  /// Until it is cancelled.
  asio::awaitable<void> run();

  /// Waits until the replicas are near enough, or the load is stopped. Throws Failure(usage) where
  /// this user may not see them.
  asio::awaitable<void> admit();

 private:
  asio::awaitable<void> look_on(pg::Connection& connection);
  asio::awaitable<bool> look(pg::Connection& connection);
  bool is_too_far() const;

  Run& run_;
  plan::LagLimit limit_;
  ReplicaLag lag_;
  bool has_looked_ = false;
  std::exception_ptr failed_;
  std::size_t waiting_ = 0;  ///< chunks
};

}  // namespace sluice::load
