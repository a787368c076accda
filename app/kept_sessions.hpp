#pragma once

#include <memory>
#include <vector>

#include "async/asio.hpp"
#include "pg/connection.hpp"

namespace sluice::app {

/// Sessions that a process keeps from one command to the next, for commands that want the same of
/// them. Between two commands the server resets them. One thread.
class KeptSessions {
 public:
  KeptSessions() : io_(1) {}

  /// Those that are begun with these options, to be waited for on this executor; others are closed.
  std::vector<std::unique_ptr<pg::Connection>> take(const pg::ConnectOptions& options,
                                                    const asio::any_io_executor& executor);
  /// REQUIRES: nothing waits for them.
  void give(const pg::ConnectOptions& options,
            std::vector<std::unique_ptr<pg::Connection>> sessions);

  /// Resets what has been given; what cannot be is closed. Blocking, for limits::session_reset_max
  /// at most.
  void reset();

  void close_all() { sessions_.clear(); }
  std::size_t size() const { return sessions_.size(); }

 private:
  asio::io_context io_;
  pg::ConnectOptions options_;  ///< of all of them
  std::vector<std::unique_ptr<pg::Connection>> sessions_;
};

/// Those of this process; nullptr where it runs one command, as most do.
KeptSessions*& kept_sessions();

}  // namespace sluice::app
