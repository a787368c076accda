#pragma once

#include <libpq-fe.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/event.hpp"
#include "base/limits.hpp"
#include "base/sql.hpp"
#include "pg/parameter.hpp"
#include "pg/result.hpp"
#include "pg/socket.hpp"

namespace sluice::pg {

/// How to reach a server: what libpq accepts, and nothing of our own.
struct ConnectOptions {
  std::string dbname;  ///< a database name, a URI or a conninfo string; empty for libpq's defaults
  std::string host;
  std::string port;
  std::string user;
  std::string client_encoding;  ///< of data; empty: PGCLIENTENCODING, or UTF8
  /// Data are converted where the server has no conversion between that and its own: it is asked
  /// for UTF8 then.
  bool converts_data = false;
  /// A connection on which nothing moves for so long while something is under way is lost; zero:
  /// never. It is the socket's TCP_USER_TIMEOUT too.
  std::chrono::milliseconds stall_max = limits::stall_default;
  /// Who a session has to be, where what is said above makes it begin as another role: one that is
  /// somebody else is refused. Empty: whoever it is.
  std::string role;

  bool operator==(const ConnectOptions&) const = default;
};

/// Asks the server to stop what one of its sessions does, which then fails with 57014. May be used
/// on any thread, and after the connection is gone.
class Cancel {
 public:
  Cancel(PGcancel* cancel, std::shared_ptr<void> under_way)
      : cancel_(cancel), under_way_(std::move(under_way)) {}

  /// Blocks for a few milliseconds or, on a dead network, much longer: belongs on a thread that may
  /// wait.
  void send_blocking() const;

 private:
  struct Free {
    void operator()(PGcancel* cancel) const { PQfreeCancel(cancel); }
  };
  std::unique_ptr<PGcancel, Free> cancel_;
  std::shared_ptr<void> under_way_;  ///< as long as this one lives
};

/// Stands in front of SQL of our own: its functions, operators and types are the system's, whatever
/// somebody who may create in a schema of the user's search_path has put there (CVE-2018-1058).
/// https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATTERNS
/// And it is not compiled: what the server thinks that a question to a ledger costs of which it
/// knows little may be a multiple of what it does, and compiling one takes 0.2 s.
inline constexpr SqlWords own_path =
    "set local search_path = pg_catalog, pg_temp; set local jit = off; ";
/// The statements of own_path.
inline constexpr std::array<SqlWords, 2> own_settings{"set local search_path = pg_catalog, pg_temp",
                                                      "set local jit = off"};

/// One session, never blocking: each wait is a co_await. Used by one coroutine at a time, on the
/// I/O thread.
class Connection {
 public:
  /// Tries what `options` names until one server answers. Throws PgError{phase connect}, and
  /// Failure where the session is not whom `options` wants.
  static asio::awaitable<std::unique_ptr<Connection>> open(ConnectOptions options);

  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Runs one or several statements of our own in one round trip (the simple query protocol: one
  /// transaction unless the text says otherwise). Returns their results in order; throws the first
  /// error, after the session is ready again.
  ///
  /// They run under `own_path`, to the end of the transaction that they begin; inside an open
  /// transaction its path counts. What is the user's (rows into the target, its triggers, TRUNCATE,
  /// a COMMIT that runs deferred triggers) belongs behind writer::Target::user_path_sql.
  asio::awaitable<Results> query(const Sql& sql) { return query(std::string(sql.text())); }
  asio::awaitable<Results> query(std::string sql);

  /// The same with nothing in front: what the user's search_path finds is used.
  asio::awaitable<Results> query_in_user_path(const Sql& sql) {
    return query_in_user_path(std::string(sql.text()));
  }
  asio::awaitable<Results> query_in_user_path(std::string sql);

  /// Runs one statement with parameters in text form; throws its error.
  asio::awaitable<Result> execute(std::string sql, Row parameters);

  /// The same in steps, for texts with COPY in them: send(), then next() until it returns nothing.
  /// Nothing is put in front of the text. An error is a Result here; a lost connection is thrown,
  /// and so is a COPY that does not come from us.
  asio::awaitable<void> send(std::string sql);
  asio::awaitable<std::optional<Result>> next(Phase phase = Phase::query);

  /// What it takes to cancel what runs here, from any thread.
  Cancel cancel();
  /// There is one that has not been sent yet, or is just being sent.
  bool is_being_cancelled() const { return !cancelling_.expired(); }

  /// The shortest time that the server took to answer anything so far: a round trip, and the least
  /// work that it did in one. Long before the first answer.
  async::Clock::duration fastest_answer() const { return fastest_answer_; }

  /// Lets this connection be silent as long as it likes: for an index that is built.
  void wait_for_ever() { stall_max_ = {}; }

  /// As it was begun, for somebody else who wants the same: nothing of what was set, prepared,
  /// locked or made for the session is left, and it is who it has to be. Throws PgError, Failure.
  asio::awaitable<void> reset();
  /// Its waits are on this executor from here on. REQUIRES: nothing waits for it.
  void move_to(asio::any_io_executor executor) { socket_.move_to(std::move(executor)); }

  /// False if the server has hung up, as far as can be seen without asking it.
  bool seems_connected();

  /// How long ago it was opened, and last given to somebody or taken back.
  async::Clock::duration age() const { return async::Clock::now() - opened_; }
  async::Clock::duration idle_time() const { return async::Clock::now() - used_; }
  void note_use() { used_ = async::Clock::now(); }

  /// Usable for another caller: connected, idle, outside a transaction, and its answers were those
  /// of its questions.
  bool is_clean() const;
  /// For who finds out that an answer is not what was asked for.
  const Trust& trust() const { return trust_; }
  /// The settings that the session was begun with (PGOPTIONS, options= of a URI), as they are
  /// spelt.
  std::string startup_options() const { return PQoptions(connection_.get()); }
  bool in_transaction() const { return PQtransactionStatus(connection_.get()) != PQTRANS_IDLE; }

  bool in_failed_transaction() const {
    return PQtransactionStatus(connection_.get()) == PQTRANS_INERROR;
  }

  /// The server recovers, and takes no writing. As it has said last; before PostgreSQL 14 none
  /// says it by itself.
  bool is_standby() const;
  /// Throws PgError for whoever is going to write.
  void refuse_standby() const;
  /// As PQserverVersion: 150020 for 15.20.
  int server_version() const { return PQserverVersion(connection_.get()); }
  /// What data are encoded in, as PostgreSQL names it: what the user says by --encoding, the
  /// connection or PGCLIENTENCODING. The session is in UTF-8 all the same, in which our statements
  /// and what the server says are: whoever sends such data says so with into_data_encoding() in
  /// front of them and into_utf8() behind, in one transaction.
  const std::string& data_encoding() const { return data_encoding_; }
  /// Data are UTF-8, and the server refuses what is not (it does not where its own encoding is
  /// SQL_ASCII).
  bool text_is_checked_as_utf8() const;
  /// The database takes bytes for text as they are (SQL_ASCII).
  bool takes_any_bytes() const;
  /// An error that the server has written in the encoding of the data.
  PgError in_utf8(PgError error) const;
  /// The server's process, as it said when the connection was opened: behind a pooler none of the
  /// server's.
  int backend() const { return PQbackendPID(connection_.get()); }
  std::string user() const { return PQuser(connection_.get()); }
  std::string database() const { return PQdb(connection_.get()); }

 private:
  friend class CopyIn;
  friend class Pipeline;
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };

  Connection(asio::any_io_executor executor, PGconn* connection);
  asio::awaitable<void> speak_utf8();
  asio::awaitable<void> poll_until_connected(async::Deadline deadline);
  asio::awaitable<void> flush(Phase phase);
  void begin_command();
  asio::awaitable<Results> results(std::size_t results_max);
  asio::awaitable<void> await_result(Phase phase);
  OwnedResult take_result(Phase phase);
  bool read_input(Phase phase);
  void note_input(Phase phase);
  void let_go_of_closed_socket();
  bool has_unexpected_input();
  async::Deadline stall_deadline() const;
  PgError stalled(Phase phase) const;
  void note_answer_after(async::Clock::time_point asked);

  std::unique_ptr<PGconn, Finish> connection_;
  async::Clock::duration fastest_answer_ = std::chrono::hours(1);
  std::chrono::milliseconds stall_max_{};
  std::chrono::milliseconds stall_usual_{};
  std::string data_encoding_;
  std::string role_;  ///< who it has to be; empty: whoever it is
  Trust trust_;
  std::weak_ptr<void> cancelling_;
  std::size_t notices_ = 0;
  std::size_t chatter_bytes_ = 0;  ///< read since the last result, at least, without the notices
  bool ended_ = false;             ///< by the server, which said so
  bool is_as_begun_ = true;        ///< nothing was asked of it since it was begun, or reset
  async::Clock::time_point opened_ = async::Clock::now();
  async::Clock::time_point used_ = opened_;
  bool has_input_ = false;  ///< read while writing, and not looked at
  Socket socket_;           ///< declared after the connection: let go before it is closed
};

}  // namespace sluice::pg
