#include "load/retry_policy.hpp"

namespace sluice::load {
namespace {

/// nullptr where the server is full and there is no `on_full`.
asio::awaitable<void> open_or_give_way(const pg::ConnectOptions& options,
                                       const std::function<void()>& on_full,
                                       std::unique_ptr<pg::Connection>& connection) {
  try {
    connection = co_await pg::Connection::open(options);
  } catch (const pg::PgError& error) {
    if (!(error.state == sql_state::too_many_connections)) throw;
    if (!on_full) co_return;
    on_full();
    throw;
  }
}

/// The server is there, but full or starting.
bool can_be_waited_for(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const pg::PgError& error) {
    return error.state == sql_state::too_many_connections ||
           error.state == sql_state::cannot_connect_now;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

std::optional<std::chrono::milliseconds> RetryPolicy::next(const pg::PgError& error,
                                                           std::size_t attempt,
                                                           std::chrono::milliseconds elapsed,
                                                           double random) const {
  const ErrorNature nature = error.nature();
  if (nature != ErrorNature::lost && nature != ErrorNature::transient) return std::nullopt;
  const bool in_doubt =
      nature == ErrorNature::lost && error.phase == pg::Phase::storing && !has_ledger;
  if (in_doubt) return std::nullopt;
  const auto delay = backoff.delay(attempt, random);
  if (elapsed + delay > retry_for) return std::nullopt;
  return delay;
}

std::optional<std::chrono::milliseconds> RetryPolicy::next(
    const std::exception_ptr& failure, std::size_t attempt,
    std::chrono::milliseconds elapsed) const {
  try {
    std::rethrow_exception(failure);
  } catch (const pg::PgError& error) {
    return next(error, attempt, elapsed, async::random_share());
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

asio::awaitable<std::unique_ptr<pg::Connection>> open_first(pg::ConnectOptions options,
                                                            const RetryPolicy& policy,
                                                            std::function<void()> on_full) {
  std::unique_ptr<pg::Connection> connection;
  const auto open = [&] { return open_or_give_way(options, on_full, connection); };
  const auto decide = [&policy](const std::exception_ptr& failure, std::size_t tries,
                                std::chrono::milliseconds elapsed) {
    return can_be_waited_for(failure) ? policy.next(failure, tries, elapsed) : std::nullopt;
  };
  co_await async::retry(open, decide);
  co_return connection;
}

}  // namespace sluice::load
