#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "async/retry.hpp"
#include "async/semaphore.hpp"
#include "pg/connection.hpp"

namespace sluice::pg {

class Pool;

/// Exclusive, temporary use of a connection. A lease whose connection saw an error, or is in the
/// middle of something, is not reused: the pool closes it and opens another one when it is needed.
/// The pool must outlive its leases.
class Lease {
 public:
  Lease(Pool& pool, std::unique_ptr<Connection> connection, async::Semaphore::Permit turn)
      : pool_(&pool), connection_(std::move(connection)), turn_(std::move(turn)) {}
  Lease(Lease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        connection_(std::move(other.connection_)),
        turn_(std::move(other.turn_)) {}
  Lease& operator=(Lease&&) = delete;
  ~Lease();

  Connection& operator*() const { return *connection_; }
  Connection* operator->() const { return connection_.get(); }

 private:
  Pool* pool_;
  std::unique_ptr<Connection> connection_;
  async::Semaphore::Permit turn_;
};

struct PoolOptions {
  std::size_t connections_min = 0;  ///< what open_min() opens
  std::size_t connections_max = 1;
  /// How long acquire() waits for a connection to be free, or for the server to be there again,
  /// which it asks with back-off. Zero: for a free one as long as it takes, and a server that
  /// cannot be reached is an error at once.
  std::chrono::milliseconds acquire_timeout{};
  /// A connection that was idle for longer is asked whether it lives before it is lent.
  std::chrono::milliseconds idle_check_after = limits::idle_check_after;
  /// An older connection is closed instead of being lent once more; zero: no limit.
  std::chrono::milliseconds lifetime_max{};
  async::Backoff reopen{limits::retry_delay_min, limits::retry_delay_max};
  /// What is left in it serves others afterwards: who could close a connection gives it back.
  bool is_kept = false;
};

/// What a pool did, and what it has.
struct PoolStatistics {
  std::size_t leased = 0;
  std::size_t idle = 0;
  std::size_t waiting = 0;       ///< for a lease
  std::uint64_t acquired = 0;    ///< leases given
  std::uint64_t opened = 0;      ///< connections
  std::uint64_t not_opened = 0;  ///< attempts that failed
  std::uint64_t broken = 0;   ///< connections that were closed because they, or their use, failed
  std::uint64_t expired = 0;  ///< ... because they were too old
  async::Clock::duration time_waited{};  ///< by all leases, for a connection
};

/// A row that the server refused, of many that were sent at once.
struct RowError : PgError {
  RowError(PgError error, std::size_t row_) : PgError(std::move(error)), row(row_) {}
  std::size_t row;  ///< from 0
};

/// Up to a number of connections, opened when they are first needed; who asks first gets one first.
/// Used on the I/O thread only.
class Pool {
 public:
  Pool(const asio::any_io_executor& executor, ConnectOptions connect, PoolOptions options);
  Pool(const asio::any_io_executor& executor, ConnectOptions connect, std::size_t connections_max)
      : Pool(executor, std::move(connect), PoolOptions{.connections_max = connections_max}) {}

  /// An idle connection, or a new one; waits while all are leased. Where the server has no room for
  /// another one (SQLSTATE 53300) but this pool has some, it waits for one of these, and asks again
  /// later. Throws PgError{phase connect}.
  asio::awaitable<Lease> acquire();

  // One statement on a connection of the pool. Parameters are in text form ($1, $2, ...).

  /// Returns how many rows it touched. Throws PgError.
  asio::awaitable<std::uint64_t> execute(std::string sql, Row parameters = {});
  /// Returns its rows. Throws PgError.
  asio::awaitable<Result> fetch(std::string sql, Row parameters = {});
  /// Runs a statement once for each row, all in one transaction, with many of them on their way at
  /// once. A plain INSERT of many rows goes as arrays (ArrayInsert): its triggers FOR EACH
  /// STATEMENT run once for many rows. Returns how many rows they touched in all. Throws RowError,
  /// and then none is done.
  asio::awaitable<std::uint64_t> executemany(std::string sql, std::vector<Row> rows);

  /// The server's processes for what is leased, as they were told when the connections were opened.
  std::vector<int> backends() const;

  /// Cancels for all connections that are leased now, but for those of which one is under way:
  /// whoever presses Ctrl-C again and again does not flood the server.
  std::vector<Cancel> cancel_leased();

  /// Opens one connection ahead of its use, if the number allows. Why it cannot is left to
  /// acquire() to find out.
  asio::awaitable<void> open_ahead();
  /// Opens connections_min of them at once, and is ready when they are.
  asio::awaitable<void> open_min();

  /// One that lives and is lent to nobody, which is no more the pool's; nullptr where there is
  /// none.
  asio::awaitable<std::unique_ptr<Connection>> take_idle();

  /// What is lent to nobody and seems fit for use, which is no more the pool's.
  std::vector<std::unique_ptr<Connection>> take_all_idle();

  /// Takes a connection that somebody else has opened.
  void put(std::unique_ptr<Connection> connection);

  /// Changes connections_max: what is leased beyond it stays leased.
  void allow(std::size_t connections_max);

  /// How often the server had no room.
  std::size_t refusals() const { return refusals_; }
  PoolStatistics statistics() const;

  const ConnectOptions& options() const { return connect_; }
  bool is_kept() const { return options_.is_kept; }

 private:
  friend class Lease;
  asio::awaitable<Lease> acquire_in_turn();
  asio::awaitable<std::unique_ptr<Connection>> open();
  asio::awaitable<bool> lives(Connection& connection);
  bool is_parked() const;
  void note_refusal();
  Lease lend(std::unique_ptr<Connection> connection, async::Semaphore::Permit turn);
  void put_back(std::unique_ptr<Connection> connection);
  /// Connections that there are, leased or not, or that are being opened ahead.
  std::size_t size() const { return in_use_.size() + idle_.size() + opening_; }

  ConnectOptions connect_;
  PoolOptions options_;
  async::Semaphore turns_;
  std::size_t opening_ = 0;  ///< ahead of their use
  std::vector<Connection*> in_use_;
  std::deque<std::unique_ptr<Connection>> idle_;
  async::Event returned_;
  async::Deadline parked_;  ///< until then no new connection is asked for
  std::size_t refusals_ = 0;
  PoolStatistics counts_;
};

}  // namespace sluice::pg
