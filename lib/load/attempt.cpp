#include "load/attempt.hpp"

#include <random>

#include "async/event.hpp"

namespace sluice::load {

std::optional<std::chrono::milliseconds> RetryPolicy::next(const pg::PgError& error,
                                                           std::size_t attempt,
                                                           std::chrono::milliseconds elapsed,
                                                           double random) const {
  const pg::ErrorNature nature = error.nature();
  if (nature != pg::ErrorNature::lost && nature != pg::ErrorNature::transient) return std::nullopt;
  const bool in_doubt =
      nature == pg::ErrorNature::lost && error.phase == pg::Phase::copy && !has_ledger;
  if (in_doubt) return std::nullopt;
  const auto delay = backoff.delay(attempt, random);
  if (elapsed + delay > retry_for) return std::nullopt;
  return delay;
}

asio::awaitable<writer::Outcome> store(pg::Pool& pool, const writer::CopyWriter& writer,
                                       const tuple::Batch& batch, const ledger::ChunkEntry& chunk,
                                       const RetryPolicy& policy, std::uint64_t& retries) {
  thread_local std::minstd_rand random(std::random_device{}());
  const auto began = async::Clock::now();
  for (std::size_t attempt = 0;; ++attempt) {
    std::optional<std::chrono::milliseconds> delay;
    try {
      pg::Lease lease = co_await pool.acquire();
      co_return co_await writer.write(*lease, batch, chunk);
    } catch (const pg::PgError& error) {
      const auto elapsed =
          std::chrono::duration_cast<std::chrono::milliseconds>(async::Clock::now() - began);
      delay = policy.next(error, attempt, elapsed,
                          std::uniform_real_distribution<double>(0, 1)(random));
      if (!delay) throw;
    }
    ++retries;
    co_await async::sleep_for(*delay);
  }
}

}  // namespace sluice::load
