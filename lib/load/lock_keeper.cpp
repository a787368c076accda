#include "load/lock_keeper.hpp"

#include "async/time.hpp"
#include "base/limits.hpp"

namespace sluice::load {

namespace {

std::exception_ptr lost() {
  return std::make_exception_ptr(
      ledger::LoadIsHeld("the lock of this load was lost, and another run may have it"));
}

/// A session that is ended, as one that was silent is, and that of a small file is all there is.
bool is_lost(const std::exception_ptr& failed) {
  try {
    std::rethrow_exception(failed);
  } catch (const pg::PgError& error) {
    return error.nature() == ErrorNature::lost && error.phase != pg::Phase::connect;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

asio::awaitable<void> LockKeeper::run() {
  if (lease_ <= std::chrono::milliseconds::zero()) co_return;
  for (;;) {
    co_await async::sleep_for(lease_ / limits::join_beats);
    if (!lock_) continue;
    const bool is_held = co_await lock_->renew();
    if (is_held) continue;
    try {
      co_await pg::Connection::open(on_.pool.options());
    } catch (const pg::PgError&) {
      continue;  // nobody takes it over while the server is away
    }
    taken_over_ = lost();
    stop_();
    co_return;
  }
}

asio::awaitable<std::exception_ptr> LockKeeper::explain(std::exception_ptr failed,
                                                        bool is_stopped) {
  if (taken_over_) co_return taken_over_;
  if (is_stopped || lease_ <= std::chrono::milliseconds::zero()) co_return failed;
  if (!lock_) co_return is_lost(failed) ? lost() : failed;
  const bool is_held = co_await lock_->renew();
  if (is_held) co_return failed;
  co_return lost();
}

}  // namespace sluice::load
