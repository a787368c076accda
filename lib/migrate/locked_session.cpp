#include "migrate/locked_session.hpp"

#include "base/backoff.hpp"
#include "base/failure.hpp"

namespace sluice::migrate {

LockedSession::LockedSession(std::unique_ptr<Session> work, std::string project,
                             const Options& options, const Listener& listener, const Stop& stop)
    : project_(std::move(project)),
      options_(options),
      listener_(listener),
      stop_(stop),
      lock_(std::make_unique<Session>(options.conninfo, stop, options.stall_max)),
      work_(std::move(work)) {
  refuse_transaction_pooler(*lock_, *work_);
  open_lock();
  take_lock(*work_, LockScope::session, project_, patience());
  backend_ = work_->backend();
  work_->identity();
}

void LockedSession::open_lock() {
  // It is silent while files run. Servers before 14 have no such limit.
  lock_->query(
      sql("select set_config(name, '0', false) from pg_catalog.pg_settings where name = "
          "'idle_session_timeout'"));
  take_lock(*lock_, LockScope::runner, project_, patience());
  lock_backend_ = lock_->backend();
}

void LockedSession::ask_lock(const std::function<void(Session&)>& ask) {
  const Backoff backoff{limits::retry_delay_min, limits::retry_delay_max};
  const auto deadline = std::chrono::steady_clock::now() + limits::migration_reconnect;
  for (std::size_t attempt = 0;; ++attempt) {
    try {
      if (attempt > 0) {
        lock_ = std::make_unique<Session>(options_.conninfo, stop_, options_.stall_max);
        end_holder(*lock_, LockScope::runner, project_, lock_backend_);
        open_lock();
      }
      ask(*lock_);
      return;
    } catch (const SqlError& error) {
      if (!error.is_lost()) throw;
      if (std::chrono::steady_clock::now() > deadline)
        throw Failure(FailureKind::connect, error.primary());
    } catch (const Failure& failure) {
      if (failure.kind() != FailureKind::connect || std::chrono::steady_clock::now() > deadline)
        throw;
    }
    stop_.sleep(backoff.delay(attempt, random_share()));
  }
}

bool LockedSession::record(const script::Write& row) {
  bool is_kept = false;
  const auto store = [&](Session& session) { is_kept = session.writes_one(row); };
  ask_lock(store);
  return is_kept;
}

void LockedSession::hold() {
  bool is_all = false;
  const Sql question =
      sql("select {} and not {}", is_held_by(LockScope::session, project_, backend_),
          holds_others(LockScope::session, project_, backend_));
  const auto look = [&](Session& session) { is_all = session.is_true(question); };
  ask_lock(look);
  if (is_all) return;
  // Meanwhile the runner's lock keeps others away.
  work_->query(sql("reset session authorization;reset role;reset all"));
  work_->query(sql("select pg_catalog.pg_advisory_unlock_all()"));
  take_lock(*work_, LockScope::session, project_, patience());
}

LockWait LockedSession::patience() const { return {options_.lock_wait, listener_.note, &stop_}; }

void LockedSession::reconnect() {
  const Backoff backoff{limits::retry_delay_min, limits::retry_delay_max};
  const auto deadline = std::chrono::steady_clock::now() + limits::migration_reconnect;
  work_.reset();
  for (std::size_t attempt = 0; !work_; ++attempt) {
    stop_.sleep(backoff.delay(attempt, random_share()));
    try {
      auto session = std::make_unique<Session>(options_.conninfo, stop_, options_.stall_max);
      end_holder(*session, LockScope::session, project_, backend_);
      take_lock(*session, LockScope::session, project_, patience());
      backend_ = session->backend();
      session->identity();
      work_ = std::move(session);
    } catch (const Failure& failure) {
      if (failure.kind() != FailureKind::connect || std::chrono::steady_clock::now() > deadline)
        throw;
    } catch (const SqlError& error) {
      if (!error.is_lost() || std::chrono::steady_clock::now() > deadline)
        throw Failure(FailureKind::connect, error.primary());
    }
  }
}

}  // namespace sluice::migrate
