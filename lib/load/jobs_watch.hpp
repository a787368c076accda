#pragma once

#include "load/run.hpp"
#include "pg/connection.hpp"

namespace sluice::load {

class Road;

/// How many connections a road works with, while it does: what the load does best with, where its
/// user names no number (JobsTuner), and fewer while the server has others to serve (--max-load).
class JobsWatch {
 public:
  /// All outlive it.
  JobsWatch(Run& run, const plan::Plan& plan, Road& road);

  /// Until it is cancelled. Throws Failure(usage) where this user may not see what others do.
  asio::awaitable<void> run();

 private:
  asio::awaitable<void> tune();
  asio::awaitable<void> watch_neighbours();
  asio::awaitable<void> look_on(pg::Connection& connection);
  void apply();
  bool tunes() const { return plan_.writers_max() > plan_.writers(); }

  Run& run_;
  const plan::Plan& plan_;
  Road& road_;
  std::size_t best_;     ///< for the load alone
  std::size_t allowed_;  ///< beside the others
};

}  // namespace sluice::load
