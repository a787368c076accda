#include "pg/connection.hpp"

#include <algorithm>

namespace sluice::pg {

Connection::Connection(asio::any_io_executor executor, PGconn* connection)
    : connection_(connection), socket_(std::move(executor)) {
  // Notices of triggers are the server's business; libpq would print them on stderr.
  PQsetNoticeReceiver(connection, [](void*, const PGresult*) {}, nullptr);
}

Connection::~Connection() { socket_.detach(); }

asio::awaitable<std::vector<Result>> Connection::query(std::string sql) {
  co_await send(std::move(sql));
  const auto asked = async::Clock::now();
  std::vector<Result> results;
  std::optional<PgError> failed;
  for (;;) {
    std::optional<Result> result = co_await next();
    if (!result) break;
    if (results.empty()) note_answer_after(asked);
    if (result->is_error() && !failed) failed = result->error(Phase::query);
    results.push_back(std::move(*result));
  }
  if (failed) throw PgError(*failed);
  co_return results;
}

asio::awaitable<void> Connection::send(std::string sql) {
  if (PQsendQuery(connection_.get(), sql.c_str()) != 1)
    throw PgError::from(connection_.get(), Phase::query);
  co_await flush(Phase::query);
}

asio::awaitable<std::optional<Result>> Connection::next(Phase phase) {
  while (PQisBusy(connection_.get()) != 0) {
    co_await socket_.wait_readable();
    if (PQconsumeInput(connection_.get()) != 1) throw PgError::from(connection_.get(), phase);
  }
  PGresult* const result = PQgetResult(connection_.get());
  if (result == nullptr) {
    if (PQstatus(connection_.get()) == CONNECTION_BAD)
      throw PgError::from(connection_.get(), phase);
    co_return std::nullopt;
  }
  co_return std::optional<Result>(Result(result));
}

/// Sends what libpq has buffered. While it waits to write it also reads: a server that is blocked
/// on sending notices would otherwise never read again
/// (https://www.postgresql.org/docs/current/libpq-async.html, PQflush).
asio::awaitable<void> Connection::flush(Phase phase) {
  for (;;) {
    const int left = PQflush(connection_.get());
    if (left == 0) co_return;
    if (left < 0) throw PgError::from(connection_.get(), phase);
    const Socket::Ready ready = co_await socket_.wait_readable_or_writable();
    if (ready.readable && PQconsumeInput(connection_.get()) != 1)
      throw PgError::from(connection_.get(), phase);
  }
}

void Connection::note_answer_after(async::Clock::time_point asked) {
  fastest_answer_ = std::min(fastest_answer_, async::Clock::now() - asked);
}

Cancel Connection::cancel() const { return Cancel(PQgetCancel(connection_.get())); }

void Cancel::send_blocking() const {
  char why[256];
  // If it fails there is nothing more to do: the connection is closed all the same.
  if (cancel_) PQcancel(cancel_.get(), why, sizeof why);
}

bool Connection::is_clean() const {
  return PQstatus(connection_.get()) == CONNECTION_OK &&
         PQtransactionStatus(connection_.get()) == PQTRANS_IDLE;
}

}  // namespace sluice::pg
