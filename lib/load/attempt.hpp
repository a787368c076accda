#pragma once

#include <chrono>
#include <optional>

#include "async/retry.hpp"
#include "load/plan.hpp"
#include "writer/copy_writer.hpp"

namespace sluice::load {

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
};

/// Stores a batch, trying again as the policy says. Throws Refusal or PgError when it gives up.
/// `retries` counts.
asio::awaitable<writer::Outcome> store(pg::Pool& pool, const writer::CopyWriter& writer,
                                       const tuple::Batch& batch, const ledger::ChunkEntry& chunk,
                                       const RetryPolicy& policy, std::uint64_t& retries);

}  // namespace sluice::load
