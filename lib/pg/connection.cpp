#include "pg/connection.hpp"

#include <algorithm>

#include "base/quantity.hpp"
#include "pg/encoding.hpp"

namespace sluice::pg {
namespace {

constexpr bool takes(std::string_view& text, std::string_view part) {
  const bool is_next = text.starts_with(part);
  if (is_next) text.remove_prefix(part.size());
  return is_next;
}

/// Whether these are the statements of that text.
template <std::size_t count>
constexpr bool are_statements_of(std::string_view text,
                                 const std::array<SqlWords, count>& statements) {
  for (const SqlWords statement : statements)
    if (!takes(text, statement.text()) || !takes(text, "; ")) return false;
  return text.empty();
}
static_assert(are_statements_of(own_path.text(), own_settings));

}  // namespace

Connection::Connection(asio::any_io_executor executor, PGconn* connection)
    : connection_(connection), socket_(std::move(executor)) {
  // Notices of triggers are the server's business; libpq would print them on stderr.
  // What ends an idle session comes as a notice too.
  const auto on_notice = [](void* self, const PGresult* notice) {
    auto& of = *static_cast<Connection*>(self);
    ++of.notices_;
    const std::size_t size = std::string_view(PQresultErrorMessage(notice)).size();
    of.chatter_bytes_ -= std::min(of.chatter_bytes_, size);
    const char* const severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity != nullptr && std::string_view(severity) == "FATAL") of.ended_ = true;
  };
  PQsetNoticeReceiver(connection, on_notice, this);
}

Connection::~Connection() { socket_.detach(); }

asio::awaitable<Results> Connection::query(std::string sql) {
  // An empty query is asked for its round trip alone.
  const bool begins = !in_transaction() && !sql.empty();
  if (begins) sql.insert(0, own_path.text());
  Results answers = co_await query_in_user_path(std::move(sql));
  if (begins) answers.drop_first(own_settings.size());
  co_return answers;
}

asio::awaitable<Results> Connection::query_in_user_path(std::string sql) {
  const auto statements = static_cast<std::size_t>(std::ranges::count(sql, ';')) + 1;
  co_await send(std::move(sql));
  co_return co_await results(statements + limits::extra_results_max);
}

asio::awaitable<Result> Connection::execute(std::string sql, Row parameters) {
  begin_command();
  const RawParameters raw(parameters);
  const int sent = PQsendQueryParams(connection_.get(), sql.c_str(), raw.count(), raw.types(),
                                     raw.values(), raw.lengths(), raw.formats(), 0);
  if (sent != 1) throw PgError::from(connection_.get(), Phase::query);
  PQsetSingleRowMode(connection_.get());
  co_await flush(Phase::query);
  Results all = co_await results(limits::extra_results_max);
  co_return std::move(all.front());
}

/// All results of what was sent. Throws the first error among them.
asio::awaitable<Results> Connection::results(std::size_t results_max) {
  const auto asked = async::Clock::now();
  Results results(trust_);
  std::optional<PgError> failed;
  for (;;) {
    std::optional<Result> result = co_await next();
    if (!result) break;
    if (results.empty()) note_answer_after(asked);
    // libpq would say for ever that it waits for our data.
    if (result->status() == PGRES_COPY_IN) trust_.lose("it waits for a COPY");
    if (results.size() == results_max) trust_.lose("it has no end");
    if (result->is_error() && !failed) failed = result->error(Phase::query);
    results.push_back(std::move(*result));
  }
  if (failed) throw PgError(*failed);
  co_return results;
}

asio::awaitable<void> Connection::send(std::string sql) {
  begin_command();
  if (PQsendQuery(connection_.get(), sql.c_str()) != 1)
    throw PgError::from(connection_.get(), Phase::query);
  // Row by row: libpq would gather a result without end.
  PQsetSingleRowMode(connection_.get());
  co_await flush(Phase::query);
}

void Connection::begin_command() {
  if (trust_.is_lost()) trust_.lose("the connection is not used again");
  has_input_ = false;
  chatter_bytes_ = 0;
  is_as_begun_ = false;
}

asio::awaitable<std::optional<Result>> Connection::next(Phase phase) {
  Rows rows;
  for (;;) {
    co_await await_result(phase);
    OwnedResult result = take_result(phase);
    if (!result) co_return std::nullopt;
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
      trust_.lose("it begins a COPY", phase);
    if (status != PGRES_SINGLE_TUPLE)
      co_return std::optional<Result>(Result(result.release(), trust_, std::move(rows)));
    rows.append(result.get(), trust_);
  }
}

/// Until PQgetResult would not block. Nothing but a result, or one of its rows, is an answer: a
/// server that goes on saying other things is as lost as a silent one.
asio::awaitable<void> Connection::await_result(Phase phase) {
  const async::Deadline deadline = stall_deadline();
  while (PQisBusy(connection_.get()) != 0) {
    if (deadline.passed()) throw stalled(phase);
    const Socket::Ready ready = co_await socket_.wait_readable(deadline);
    if (!ready.readable && deadline.passed()) throw stalled(phase);
    if (!read_input(phase)) throw PgError::from(connection_.get(), phase);
  }
  let_go_of_closed_socket();
}

/// What PQgetResult has next; nothing at the end of a command. REQUIRES: it would not block.
OwnedResult Connection::take_result(Phase phase) {
  OwnedResult result(PQgetResult(connection_.get()));
  let_go_of_closed_socket();
  chatter_bytes_ = 0;
  if (!result && PQstatus(connection_.get()) == CONNECTION_BAD)
    throw PgError::from(connection_.get(), phase);
  return result;
}

/// Lets libpq read what has come. False where the connection is gone.
bool Connection::read_input(Phase phase) {
  note_input(phase);
  const bool is_read = PQconsumeInput(connection_.get()) == 1;
  let_go_of_closed_socket();
  return is_read;
}

/// Before libpq reads. It makes room for so much at least, and reads what has come up to that: so
/// this counts no byte twice.
void Connection::note_input(Phase phase) {
  constexpr std::size_t read_at_least = 8 * limits::KiB;
  chatter_bytes_ += std::min(socket_.bytes_to_read(), read_at_least);
  // libpq would keep them until they are asked for.
  while (PGnotify* const notification = PQnotifies(connection_.get())) PQfreemem(notification);
  if (chatter_bytes_ > limits::chatter_bytes_max) trust_.lose("it has no end", phase);
}

/// libpq closes its socket by itself when the connection breaks. The number may be another
/// connection's soon: whoever lets go of it later would take that one's place in the reactor.
void Connection::let_go_of_closed_socket() {
  if (PQsocket(connection_.get()) < 0) socket_.detach();
}

/// Sends what libpq has buffered. While it waits to write it also reads: a server that is blocked
/// on sending notices would otherwise never read again
/// (https://www.postgresql.org/docs/current/libpq-async.html, PQflush).
asio::awaitable<void> Connection::flush(Phase phase) {
  async::Deadline deadline = stall_deadline();
  for (;;) {
    const int left = PQflush(connection_.get());
    let_go_of_closed_socket();
    if (left == 0) co_return;
    if (left < 0) throw PgError::from(connection_.get(), phase);
    if (deadline.passed()) throw stalled(phase);
    const Socket::Ready ready = co_await socket_.wait_readable_or_writable(deadline);
    if (ready.writable) {
      deadline = stall_deadline();
    } else if (deadline.passed()) {
      throw stalled(phase);
    }
    if (!ready.readable) continue;
    if (!read_input(phase)) throw PgError::from(connection_.get(), phase);
    const std::size_t notices = notices_;
    // Takes notices off libpq's hands, which would keep them unread.
    PQisBusy(connection_.get());
    has_input_ = has_input_ || notices_ == notices;
  }
}

/// True if the server has sent something other than a notice while a COPY goes to it. libpq does
/// not look at an error before the COPY is ended. Half of a notice looks like an error too.
bool Connection::has_unexpected_input() {
  if (!has_input_ && !socket_.is_readable_now()) return false;
  has_input_ = false;
  const std::size_t notices = notices_;
  if (!read_input(Phase::query)) return true;  // whoever reads the result is told why
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

Cancel Connection::cancel() {
  auto under_way = std::make_shared<char>();
  cancelling_ = under_way;
  return {PQgetCancel(connection_.get()), std::move(under_way)};
}

void Cancel::send_blocking() const {
  char why[256];
  // If it fails there is nothing more to do: the connection is closed all the same.
  if (cancel_) PQcancel(cancel_.get(), why, sizeof why);
}

bool Connection::is_standby() const {
  const char* const standby = PQparameterStatus(connection_.get(), "in_hot_standby");
  return standby != nullptr && std::string_view(standby) == "on";
}

void Connection::refuse_standby() const {
  if (!is_standby()) return;
  PgError error(Phase::query, SqlState(sql_state::read_only_sql_transaction),
                "the server is a standby, where nothing can be written");
  error.session_only_reads = true;
  error.hint =
      "Connect to the primary; of several hosts, target_session_attrs=read-write finds it.";
  throw error;
}

bool Connection::takes_any_bytes() const {
  const char* const inside = PQparameterStatus(connection_.get(), "server_encoding");
  return inside != nullptr && std::string_view(inside) == "SQL_ASCII";
}

bool Connection::text_is_checked_as_utf8() const {
  return data_encoding_ == utf8 && !takes_any_bytes();
}

PgError Connection::in_utf8(PgError error) const {
  for (std::string* text : {&error.message, &error.detail, &error.hint, &error.context,
                            &error.schema, &error.table, &error.column, &error.constraint})
    *text = pg::in_utf8(std::move(*text), data_encoding_);
  return error;
}

bool Connection::seems_connected() {
  // First comes what the server said when it hung up, then the end.
  static constexpr int reads_max = 4;
  for (int i = 0; i < reads_max && socket_.is_readable_now(); ++i) {
    if (!read_input(Phase::query)) return false;
    PQisBusy(connection_.get());
  }
  let_go_of_closed_socket();
  return !ended_ && PQstatus(connection_.get()) == CONNECTION_OK;
}

bool Connection::is_clean() const {
  return !trust_.is_lost() && PQstatus(connection_.get()) == CONNECTION_OK &&
         PQpipelineStatus(connection_.get()) == PQ_PIPELINE_OFF &&
         PQtransactionStatus(connection_.get()) == PQTRANS_IDLE;
}

}  // namespace sluice::pg
