#pragma once

#include <functional>
#include <memory>
#include <string>

#include "migrate/lock.hpp"
#include "migrate/options.hpp"

namespace sluice::migrate {

/// The session in which migrations run, with the lock on a connection of its own. Both are let go
/// at the end of its life.
class LockedSession {
 public:
  /// `work` is the session in which they will run. Throws Failure{held, usage, interrupted}.
  /// `project` is the one whose lock is taken.
  LockedSession(std::unique_ptr<Session> work, std::string project, const Options& options,
                const Listener& listener, const Stop& stop);

  Session& work() { return *work_; }
  const std::string& project() const { return project_; }

  /// Keeps the history of a file that is not one transaction: on the connection of the lock, which
  /// no file has touched, so as the role that logged in, whatever a file has set. Where that
  /// connection is lost another one is opened. `sql` must be such that it may run twice.
  /// False where nothing was stored.
  bool record(const script::Write& row);
  /// A file may give up the advisory locks of its session, and leave others: afterwards it has this
  /// one alone.
  void hold();

  /// After a lost connection: ends what the server still does for it, and opens another one. Only
  /// then the history says what was applied. Throws Failure{connect} when the server stays away.
  void reconnect();

 private:
  LockWait patience() const;
  void open_lock();
  void ask_lock(const std::function<void(Session&)>& ask);

  std::string project_;
  const Options& options_;
  const Listener& listener_;
  const Stop& stop_;
  std::unique_ptr<Session> lock_;
  std::unique_ptr<Session> work_;
  int backend_ = 0;
  int lock_backend_ = 0;
};

}  // namespace sluice::migrate
