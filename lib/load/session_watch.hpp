#pragma once

#include <optional>

#include "ledger/run_lock.hpp"
#include "load/bottleneck.hpp"
#include "load/run.hpp"

namespace sluice::load {

/// Looks once a second at what the load's sessions are at, while rows are moved, by the connection
/// that holds the lock: a load costs the server one small query a second more. Behind a pooler, and
/// without a lock, it sees nothing.
class SessionWatch {
 public:
  /// Both outlive it.
  SessionWatch(Run& run, std::optional<ledger::RunLock>& lock) : run_(run), lock_(lock) {}

  /// Until it is cancelled.
  asio::awaitable<void> run();

  std::optional<Bottleneck> found() const;

 private:
  asio::awaitable<void> look();
  void note(Waiting waiting, std::size_t sessions);

  Run& run_;
  std::optional<ledger::RunLock>& lock_;
  Seen seen_{};
  bool has_seen_ = false;  ///< a session: behind a pooler none is
};

}  // namespace sluice::load
