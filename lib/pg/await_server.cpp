#include "pg/await_server.hpp"

#include <optional>

#include "base/quantity.hpp"

namespace sluice::pg {
namespace {

bool may_pass(const PgError& error) {
  return error.nature() == ErrorNature::lost || error.nature() == ErrorNature::transient ||
         error.state == sql_state::read_only_sql_transaction;
}

/// Throws PgError{phase connect}.
asio::awaitable<void> try_server(Pool& pool, bool writes) {
  std::optional<PgError> refused;
  {
    const Lease connection = co_await pool.acquire();
    try {
      if (writes) connection->refuse_standby();
    } catch (const PgError& error) {
      refused = error;
    }
  }
  if (!refused) co_return;
  // Another one may lead to another server.
  co_await pool.take_idle();
  refused->phase = Phase::connect;
  throw PgError(*refused);
}

}  // namespace

asio::awaitable<void> await_server(Pool& pool, ServerWait wait) {
  if (wait.patience <= std::chrono::milliseconds::zero()) co_return;
  const async::Backoff backoff{limits::retry_delay_min, limits::server_poll_max};
  const auto deadline = async::Clock::now() + wait.patience;
  for (std::size_t attempt = 0;; ++attempt) {
    std::string why;
    try {
      co_await try_server(pool, wait.writes);
      co_return;
    } catch (PgError& error) {
      if (!may_pass(error)) throw;
      if (async::Clock::now() >= deadline) {
        error.message +=
            "\n  It was waited for " + format_duration(wait.patience) + " (see --wait)";
        throw;
      }
      why = error.message;
    }
    if (attempt == 0)
      wait.say("waits up to " + format_duration(wait.patience) +
               " for the server (--wait): " + why);
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(deadline - async::Clock::now());
    const auto delay = backoff.delay(attempt, async::random_share());
    co_await async::sleep_for(std::min(delay, std::max(rest, std::chrono::milliseconds(1))));
  }
}

}  // namespace sluice::pg
