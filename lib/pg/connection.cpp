#include "pg/connection.hpp"

#include <algorithm>

#include "base/quantity.hpp"

namespace sluice::pg {

Connection::Connection(asio::any_io_executor executor, PGconn* connection)
    : connection_(connection), socket_(std::move(executor)) {
  // Notices of triggers are the server's business; libpq would print them on stderr.
  // What ends an idle session comes as a notice too.
  const auto on_notice = [](void* self, const PGresult* notice) {
    auto& of = *static_cast<Connection*>(self);
    ++of.notices_;
    const char* const severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity != nullptr && std::string_view(severity) == "FATAL") of.ended_ = true;
  };
  PQsetNoticeReceiver(connection, on_notice, this);
}

Connection::~Connection() { socket_.detach(); }

asio::awaitable<std::vector<Result>> Connection::query(std::string sql) {
  // An empty query is asked for its round trip alone.
  const bool begins = !in_transaction() && !sql.empty();
  if (begins) sql.insert(0, own_path);
  co_await send(std::move(sql));
  auto answers = co_await results();
  if (begins) answers.erase(answers.begin());
  co_return answers;
}

asio::awaitable<std::vector<Result>> Connection::query_in_user_path(std::string sql) {
  co_await send(std::move(sql));
  co_return co_await results();
}

asio::awaitable<Result> Connection::execute(std::string sql, Row parameters) {
  const RawParameters raw(parameters);
  const int sent = PQsendQueryParams(connection_.get(), sql.c_str(), raw.count(), raw.types(),
                                     raw.values(), raw.lengths(), raw.formats(), 0);
  if (sent != 1) throw PgError::from(connection_.get(), Phase::query);
  has_input_ = false;
  co_await flush(Phase::query);
  std::vector<Result> all = co_await results();
  co_return std::move(all.front());
}

/// All results of what was sent. Throws the first error among them.
asio::awaitable<std::vector<Result>> Connection::results() {
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
  has_input_ = false;
  co_await flush(Phase::query);
}

asio::awaitable<std::optional<Result>> Connection::next(Phase phase) {
  async::Deadline deadline = stall_deadline();
  while (PQisBusy(connection_.get()) != 0) {
    const Socket::Ready ready = co_await socket_.wait_readable(deadline);
    if (!ready.readable && deadline.passed()) throw stalled(phase);
    if (PQconsumeInput(connection_.get()) != 1) throw PgError::from(connection_.get(), phase);
    if (ready.readable) deadline = stall_deadline();
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
  async::Deadline deadline = stall_deadline();
  for (;;) {
    const int left = PQflush(connection_.get());
    if (left == 0) co_return;
    if (left < 0) throw PgError::from(connection_.get(), phase);
    const Socket::Ready ready = co_await socket_.wait_readable_or_writable(deadline);
    if (ready.readable || ready.writable) {
      deadline = stall_deadline();
    } else if (deadline.passed()) {
      throw stalled(phase);
    }
    if (!ready.readable) continue;
    if (PQconsumeInput(connection_.get()) != 1) throw PgError::from(connection_.get(), phase);
    has_input_ = true;
  }
}

/// True if the server has sent something other than a notice while a COPY goes to it. libpq does
/// not look at an error before the COPY is ended. Half of a notice looks like an error too.
bool Connection::has_unexpected_input() {
  if (!has_input_ && !socket_.is_readable_now()) return false;
  has_input_ = false;
  const std::size_t notices = notices_;
  if (PQconsumeInput(connection_.get()) != 1) return true;  // whoever reads the result is told why
  // This looks at what has come, as far as it is notices.
  PQisBusy(connection_.get());
  return notices_ == notices;
}

async::Deadline Connection::stall_deadline() const {
  return stall_max_.count() == 0 ? async::Deadline() : async::Deadline::after(stall_max_);
}

PgError Connection::stalled(Phase phase) const {
  return {phase, SqlState(sql_state::connection_failure),
          "the connection was silent for " + format_duration(stall_max_) +
              " while the server had something to do (see --stall-timeout)"};
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

bool Connection::text_is_checked_as_utf8() const {
  const auto is = [this](const char* parameter, std::string_view value) {
    const char* const status = PQparameterStatus(connection_.get(), parameter);
    return status != nullptr && status == value;
  };
  return is("client_encoding", "UTF8") && !is("server_encoding", "SQL_ASCII");
}

bool Connection::seems_connected() {
  // First comes what the server said when it hung up, then the end.
  static constexpr int reads_max = 4;
  for (int i = 0; i < reads_max && socket_.is_readable_now(); ++i) {
    if (PQconsumeInput(connection_.get()) != 1) return false;
    PQisBusy(connection_.get());
  }
  return !ended_ && PQstatus(connection_.get()) == CONNECTION_OK;
}

bool Connection::is_clean() const {
  return PQstatus(connection_.get()) == CONNECTION_OK &&
         PQpipelineStatus(connection_.get()) == PQ_PIPELINE_OFF &&
         PQtransactionStatus(connection_.get()) == PQTRANS_IDLE;
}

}  // namespace sluice::pg
