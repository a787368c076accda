#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "migrate/rows.hpp"
#include "migrate/sql_error.hpp"
#include "migrate/stop.hpp"

namespace sluice::migrate {

/// One blocking session, by libpqxx 6.4 or 7: the only place that knows it. A lost connection stays
/// lost (6.4 would quietly open another one, without its locks and settings).
class Session {
 public:
  /// Throws Failure{connect}.
  explicit Session(const std::string& conninfo);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Runs one or several statements in one round trip (the simple query protocol) and returns the
  /// rows of the last one. Throws SqlError. A stop cancels it (57014).
  Rows query(const std::string& sql, const Stop& stop);
  Rows query(const std::string& sql) { return query(sql, Stop{}); }

  /// Of a query with one row and one column. Throws Failure for what else comes.
  std::string value(const std::string& sql) { return query(sql).front()[0]; }
  bool is_true(const std::string& sql) { return value(sql) == "t"; }

  /// ROLLBACK, where there may be no transaction: the server's warning is not heard.
  void roll_back();

  /// Who hears what the server says beside its answers (RAISE NOTICE); nobody at first.
  void hear_notices(std::function<void(const std::string&)> hear);

  /// The server can notice that the client of a long statement has gone
  /// (client_connection_check_interval, from 14 on, not on every system).
  bool can_check_client();

  /// The process that serves this session.
  int backend() { return query("select pg_catalog.pg_backend_pid()").front().process(0); }

  /// What the protocol says of the process that serves this session; a pooler makes it up.
  int announced_backend() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
  std::optional<bool> can_check_client_;
};

}  // namespace sluice::migrate
