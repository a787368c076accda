#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "pg/connection.hpp"

namespace sluice::pg {

class Pool;

/// Exclusive, temporary use of a connection. A lease whose connection saw an error, or is in the
/// middle of something, is not reused: the pool closes it and opens another one when it is needed.
/// The pool must outlive its leases.
class Lease {
 public:
  Lease(Pool& pool, std::unique_ptr<Connection> connection)
      : pool_(&pool), connection_(std::move(connection)) {}
  Lease(Lease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)) {}
  Lease& operator=(Lease&&) = delete;
  ~Lease();

  Connection& operator*() const { return *connection_; }
  Connection* operator->() const { return connection_.get(); }

 private:
  Pool* pool_;
  std::unique_ptr<Connection> connection_;
};

/// Up to a number of connections, opened when they are first needed.
class Pool {
 public:
  Pool(const asio::any_io_executor& executor, ConnectOptions options, std::size_t connections_max);

  /// An idle connection, or a new one; waits while all are leased. Where the server has no room for
  /// another one (SQLSTATE 53300) but this pool has some, it waits for one of these, and asks again
  /// later. Throws PgError{phase connect}.
  asio::awaitable<Lease> acquire();

  /// Cancels for all connections that are leased now.
  std::vector<Cancel> cancel_leased() const;

  /// Opens one connection ahead of its use, if the number allows. Why it cannot is left to
  /// acquire() to find out.
  asio::awaitable<void> open_ahead();

  /// Takes a connection that somebody else has opened.
  void put(std::unique_ptr<Connection> connection);

  /// Changes the number: what is leased beyond it stays leased.
  void allow(std::size_t connections_max);

  /// How often the server had no room.
  std::size_t refusals() const { return refusals_; }
  /// Connections that there are, leased or not.
  std::size_t size() const { return in_use_.size() + idle_.size(); }

  const ConnectOptions& options() const { return options_; }

 private:
  friend class Lease;
  std::unique_ptr<Connection> take_idle();
  bool is_parked() const;
  Lease lend(std::unique_ptr<Connection> connection);
  void put_back(std::unique_ptr<Connection> connection);

  ConnectOptions options_;
  std::size_t connections_max_;
  std::size_t leased_ = 0;  ///< or about to be: a connection that is being opened counts
  std::vector<const Connection*> in_use_;
  std::deque<std::unique_ptr<Connection>> idle_;
  async::Event returned_;
  async::Deadline parked_;  ///< until then no new connection is asked for
  std::size_t refusals_ = 0;
};

}  // namespace sluice::pg
