#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.hpp"
#include "base/sql.hpp"
#include "migrate/sql_error.hpp"
#include "migrate/stop.hpp"
#include "migrate/watch.hpp"
#include "script/history.hpp"

namespace sluice::migrate {

/// Stands in front of SQL of our own: see pg::own_path.
inline constexpr SqlWords own_path =
    "set local search_path = pg_catalog, pg_temp; set local jit = off; ";

/// One blocking session, by libpqxx 6.4 or 7: the only place that knows it. A lost connection stays
/// lost (6.4 would quietly open another one, without its locks and settings).
class Session {
 public:
  /// Throws Failure{connect}, or {interrupted} when it is asked to stop before it is connected.
  /// `stop` also ends waits for answers to our own questions, and so does `answer_max` (zero:
  /// never).
  explicit Session(const std::string& conninfo, Stop stop = {},
                   std::chrono::milliseconds answer_max = limits::stall_default);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Runs one or several statements in one round trip (the simple query protocol) and returns the
  /// rows of the last one. Throws SqlError. With a stop it is the user's, may take as long as it
  /// likes, and is cancelled (57014); without one it is a question of ours.
  script::Rows query(const std::string& sql, const Stop& stop);
  script::Rows query(const Sql& sql, const Stop& stop) { return query(sql.text(), stop); }
  ///
  /// A question runs under `own_path`, to the end of its transaction.
  script::Rows query(const Sql& sql);
  /// The same in the user's search_path: what stands in it is qualified.
  script::Rows query_in_user_path(const Sql& sql);

  /// Runs a COPY ... FROM STDIN of the user's, whose data are lines in text format that come in
  /// parts, the last of which is empty. Throws as query() does, and whatever `data` throws.
  void copy(const std::string& statement, const std::function<std::string_view()>& data,
            const Stop& stop);

  /// A write of the history (script::counted) whose row must be there: false where it is not.
  bool writes_one(const script::Write& write) {
    return query(script::counted(write)).front().count(0) == 1;
  }

  /// Of a query with one row and one column. Throws Failure for what else comes.
  std::string value(const Sql& sql) { return query(sql).front()[0]; }
  bool is_true(const Sql& sql) { return value(sql) == "t"; }

  /// ROLLBACK, where there may be no transaction: the server's warning is not heard.
  void roll_back();

  /// Who hears what the server says beside its answers (RAISE NOTICE); nobody at first.
  void hear_notices(std::function<void(const std::string&)> hear);

  /// The server can notice that the client of a long statement has gone
  /// (client_connection_check_interval, from 14 on, not on every system).
  bool can_check_client();

  /// Who logged in, and as whom it began: an SQL expression, and what it said at the first call,
  /// which must come before any file has run. Also makes quotes what the lexer takes them for.
  static Sql identity_expression();
  const std::string& identity();

  /// An expression of text: the search_path setting with which a session of this role begins when
  /// it is asked. A file may have set it for the role or the database; what the connection itself
  /// sets goes before that. The first call must come before any file has run.
  const Sql& next_search_path();

  /// The process that serves this session.
  int backend() { return query(sql("select pg_catalog.pg_backend_pid()")).front().process(0); }

  /// What the protocol says of the process that serves this session; a pooler makes it up.
  int announced_backend() const;

 private:
  struct Implementation;
  struct Connecting;

  static std::shared_ptr<Implementation> connect(const std::string& conninfo, const Stop& stop);
  script::Rows run(const std::string& sql, Waits what, const Stop& stop);
  struct Work;
  script::Rows run(Waits what, const Stop& stop, const std::function<script::Rows(Work&)>& work);

  std::shared_ptr<Implementation> implementation_;  ///< shared with threads that cannot be joined
  Stop stop_;
  std::chrono::milliseconds answer_max_;
  std::unique_ptr<Watch> watch_;
  std::optional<bool> can_check_client_;
  std::optional<std::string> identity_;
  std::optional<Sql> next_search_path_;
};

}  // namespace sluice::migrate
