#include "app/kept_sessions.hpp"

#include <utility>

#include "async/deadline.hpp"
#include "base/failure.hpp"
#include "base/worker_limits.hpp"
#include "pg/error.hpp"

namespace sluice::app {
namespace {

/// One that does not become as it was is closed.
asio::awaitable<void> reset_one(std::unique_ptr<pg::Connection>& session) {
  bool is_reset = false;
  try {
    asio::awaitable<void> reset = session->reset();
    co_await async::with_deadline(std::move(reset),
                                  async::Clock::now() + limits::session_reset_max);
    is_reset = session->is_clean();
  } catch (const async::TimedOut&) {
  } catch (const pg::PgError&) {
  } catch (const Failure&) {
  }
  if (is_reset) {
    session->note_use();
  } else {
    session.reset();
  }
}

}  // namespace

std::vector<std::unique_ptr<pg::Connection>> KeptSessions::take(
    const pg::ConnectOptions& options, const asio::any_io_executor& executor) {
  auto sessions = std::exchange(sessions_, {});
  if (options != options_) sessions.clear();
  for (auto& session : sessions) session->move_to(executor);
  return sessions;
}

void KeptSessions::give(const pg::ConnectOptions& options,
                        std::vector<std::unique_ptr<pg::Connection>> sessions) {
  sessions_.clear();
  options_ = options;
  for (auto& session : sessions) {
    if (session->age() > limits::kept_session_age_max ||
        sessions_.size() == limits::kept_sessions_max)
      continue;
    session->move_to(io_.get_executor());
    sessions_.push_back(std::move(session));
  }
}

void KeptSessions::reset() {
  for (auto& session : sessions_) asio::co_spawn(io_, reset_one(session), asio::detached);
  io_.run();
  io_.restart();
  std::erase(sessions_, nullptr);
}

KeptSessions*& kept_sessions() {
  static KeptSessions* sessions = nullptr;
  return sessions;
}

}  // namespace sluice::app
