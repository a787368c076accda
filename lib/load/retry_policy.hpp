#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>

#include "async/retry.hpp"
#include "base/limits.hpp"
#include "pg/connection.hpp"

namespace sluice::load {

inline constexpr async::Backoff retry_backoff{limits::retry_delay_min, limits::retry_delay_max};

/// Whether an attempt that failed is made again, as a pure function of what failed and of how long
/// it has gone on.
///
/// A lost connection and a transient error are tried again, whatever the attempt had done: the
/// ledger row in the same transaction tells the next attempt whether the chunk is stored
/// (architecture, "In doubt? Run the attempt again"). Without a ledger that is unknown once data
/// was sent, so nothing is tried again then.
struct RetryPolicy {
  std::chrono::milliseconds retry_for;  ///< for one chunk; zero never retries
  async::Backoff backoff;
  bool has_ledger = true;

  /// The delay before the next attempt, or nothing to give up. `attempt` counts from 0.
  std::optional<std::chrono::milliseconds> next(const pg::PgError& error, std::size_t attempt,
                                                std::chrono::milliseconds elapsed,
                                                double random) const;
  /// The same of whatever was thrown: what is no PgError is not tried again.
  std::optional<std::chrono::milliseconds> next(const std::exception_ptr& failure,
                                                std::size_t attempt,
                                                std::chrono::milliseconds elapsed) const;
};

/// Opens a connection at the beginning of a load. A server that says that it is starting is asked
/// again as the policy says; so is one that is full, after `on_full` was told, or nullptr is
/// returned where there is no `on_full`. One that cannot be reached at all is most likely mistyped,
/// and the error is thrown at once.
asio::awaitable<std::unique_ptr<pg::Connection>> open_first(pg::ConnectOptions options,
                                                            const RetryPolicy& policy,
                                                            std::function<void()> on_full);

}  // namespace sluice::load
