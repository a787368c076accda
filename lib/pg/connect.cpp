#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "pg/conninfo.hpp"
#include "pg/encoding.hpp"
#include "pg/password.hpp"

namespace sluice::pg {
namespace {

std::size_t hosts_of(PGconn* connection) {
  std::size_t hosts = 1;
  PQconninfoOption* const options = PQconninfo(connection);
  for (const PQconninfoOption* option = options; option != nullptr && option->keyword != nullptr;
       ++option) {
    const std::string_view keyword = option->keyword;
    const std::string_view value = option->val == nullptr ? "" : option->val;
    if (keyword == "host" || keyword == "hostaddr")
      hosts = std::max<std::size_t>(hosts,
                                    1 + static_cast<std::size_t>(std::ranges::count(value, ',')));
  }
  PQconninfoFree(options);
  return hosts;
}

/// The connection's own connect_timeout, for each of its hosts; libpq leaves it to us when it does
/// not block.
async::Clock::duration time_to_connect(PGconn* connection) {
  std::chrono::milliseconds each = limits::connect_timeout;
  PQconninfoOption* const options = PQconninfo(connection);
  for (const PQconninfoOption* option = options; option != nullptr && option->keyword != nullptr;
       ++option) {
    if (option->val == nullptr) continue;
    const std::string_view keyword = option->keyword;
    const std::string_view value = option->val;
    if (keyword == "connect_timeout") {
      int seconds = 0;
      std::from_chars(value.data(), value.data() + value.size(), seconds);
      // As in libpq: 0 waits without limit, 1 is read as 2.
      each = seconds > 0 ? std::chrono::seconds(std::max(seconds, 2)) : std::chrono::hours(24);
    }
  }
  PQconninfoFree(options);
  return each * hosts_of(connection);
}

/// What there is to read on a socket, and stays there.
enum class Heard { nothing, closed, answer, error_answer };

Heard heard_on(int socket) {
  char first = 0;
  const ssize_t count = ::recv(socket, &first, 1, MSG_PEEK | MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Heard::nothing : Heard::closed;
  if (count == 0) return Heard::closed;
  return first == 'E' ? Heard::error_answer : Heard::answer;
}

bool is_connected(int socket) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  const bool has_peer = ::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
  return has_peer && heard_on(socket) != Heard::closed;
}

/// Whether an attempt was ended on this side, and not by a server that hung up, is away or has said
/// why: where it stood, and what there was to read, before it failed.
bool is_given_up(PGconn* connection, ConnStatusType stood, Heard heard) {
  // Of several hosts one may be as it should be, and away. One that has let us in is not the kind
  // of server (target_session_attrs) that it may be soon.
  if (hosts_of(connection) > 1) return false;
  if (PQparameterStatus(connection, "server_version") != nullptr) return false;
  switch (stood) {
    // An answer that does not please: no TLS, or a certificate. E: it could not begin to answer.
    case CONNECTION_SSL_STARTUP:
    case CONNECTION_GSS_STARTUP: return heard == Heard::answer;
    // Nobody but the server would hang up; it waits for us.
    case CONNECTION_STARTED:
    case CONNECTION_MADE:
    case CONNECTION_AWAITING_RESPONSE: return is_connected(PQsocket(connection));
    default: return false;
  }
}

/// Of all encodings that a database may have, MULE_INTERNAL alone has no conversion to UTF8.
Failure no_conversion(const PgError& error) {
  return {FailureKind::usage, error.full(),
          "Names and messages are UTF-8 here, and data what --encoding says: a database for "
          "which PostgreSQL has no such conversion cannot be loaded into."};
}

/// What makes it another role than its user goes by the settings that a session is begun with,
/// which a pooler may drop: it would be the user then, who may more. Empty: whoever it is.
asio::awaitable<void> require_role(Connection& connection, const std::string& role) {
  if (role.empty()) co_return;
  const Results who = co_await connection.query("select current_user");
  if (who.back().rows() == 1 && who.back().text(0, 0) == role) co_return;
  throw Failure(FailureKind::failed,
                "the session is not " + role +
                    ", as which it was to begin: something between here and the server drops the "
                    "connection's options (a pooler with ignore_startup_parameters?)");
}

}  // namespace

asio::awaitable<std::unique_ptr<Connection>> Connection::open(ConnectOptions options) {
  const Keywords given = keywords_of(options);
  const bool had_answer = is_password_answered();
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : given) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  PGconn* const raw = PQconnectStartParams(keywords.data(), values.data(), 1);
  if (raw == nullptr) throw std::bad_alloc();
  const auto executor = co_await asio::this_coro::executor;
  std::unique_ptr<Connection> connection(new Connection(executor, raw));
  if (PQstatus(raw) == CONNECTION_BAD) throw PgError::from(raw, Phase::connect);
  const PGVerbosity usual = PQsetErrorVerbosity(raw, PQERRORS_VERBOSE);
  std::optional<PgError> refused;
  bool wants_password = false;
  // While another connection's was asked for, this one was on its way without it.
  const auto may_have_one = [had_answer] {
    return may_ask_password() || (is_password_answered() && !had_answer);
  };
  try {
    co_await connection->poll_until_connected(async::Deadline::after(time_to_connect(raw)));
  } catch (const PgError& error) {
    wants_password = PQconnectionNeedsPassword(raw) != 0 && may_have_one();
    if (!wants_password && !error.state.in_class(sql_class::feature_not_supported)) throw;
    refused = error;
  }
  if (wants_password && may_ask_password() && !ask_password(PQuser(raw))) throw PgError(*refused);
  if (wants_password) co_return co_await open(std::move(options));
  if (refused && options.converts_data && options.client_encoding != utf8) {
    options.client_encoding = utf8;
    co_return co_await open(std::move(options));
  }
  if (refused) throw no_conversion(*refused);
  PQsetErrorVerbosity(raw, usual);
  PQsetnonblocking(raw, 1);
  connection->stall_max_ = connection->stall_usual_ = options.stall_max;
  connection->role_ = options.role;
  co_await connection->speak_utf8();
  co_await require_role(*connection, connection->role_);
  connection->is_as_begun_ = true;
  co_return connection;
}

/// DISCARD ALL forgets a role that the session was begun as, which RESET ROLE brings back.
asio::awaitable<void> Connection::reset() {
  stall_max_ = stall_usual_;
  if (is_as_begun_) co_return;
  co_await query_in_user_path("discard all");
  co_await query_in_user_path("reset role");
  co_await speak_utf8();
  co_await require_role(*this, role_);
  is_as_begun_ = true;
}

/// What is sent in the encoding of the data are data alone.
asio::awaitable<void> Connection::speak_utf8() {
  data_encoding_ = pg_encoding_to_char(PQclientEncoding(connection_.get()));
  if (data_encoding_ == utf8) co_return;
  std::optional<PgError> refused;
  try {
    co_await query_in_user_path("set client_encoding = 'UTF8'");
  } catch (const PgError& error) {
    if (!error.state.in_class(sql_class::feature_not_supported)) throw;
    refused = error;
  }
  if (refused) throw no_conversion(*refused);
}

asio::awaitable<void> Connection::poll_until_connected(async::Deadline deadline) {
  PGconn* const raw = connection_.get();
  PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
  for (;;) {
    // libpq may have moved on to another address, and so to another socket, whose number may be the
    // same.
    socket_.detach();
    socket_.attach(PQsocket(raw));
    const auto asked = async::Clock::now();
    for (Socket::Ready ready;
         !(wanted == PGRES_POLLING_READING ? ready.readable : ready.writable);) {
      if (deadline.passed())
        throw PgError(Phase::connect,
                      SqlState(sql_state::sqlclient_unable_to_establish_sqlconnection),
                      "timeout expired while connecting");
      if (wanted == PGRES_POLLING_READING) {
        ready = co_await socket_.wait_readable(deadline);
      } else {
        ready = co_await socket_.wait_readable_or_writable(deadline);
        ready.writable = ready.writable || ready.readable;  // a refused connection is readable
      }
    }
    if (wanted == PGRES_POLLING_READING) note_answer_after(asked);
    note_input(Phase::connect);
    const ConnStatusType stood = PQstatus(raw);
    // A failed connect is told to who reads first, and that is libpq.
    const Heard heard = stood == CONNECTION_STARTED ? Heard::nothing : heard_on(PQsocket(raw));
    wanted = PQconnectPoll(raw);
    if (wanted == PGRES_POLLING_OK) break;
    if (wanted == PGRES_POLLING_FAILED) {
      socket_.detach();
      PgError error = PgError::of_refused_connection(raw);
      error.is_given_up = error.state.empty() && is_given_up(raw, stood, heard);
      throw PgError(error);
    }
  }
  socket_.attach(PQsocket(raw));
}

}  // namespace sluice::pg
