#include "migrate/session.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <pqxx/pqxx>
#include <pqxx/version>
#if PQXX_VERSION_MAJOR < 7
#include <pqxx/tablewriter>
#endif
#include <stdexcept>
#include <thread>

#include "base/failure.hpp"
#include "base/hex.hpp"
#include "base/left_threads.hpp"
#include "base/quantity.hpp"
#include "base/sql_state.hpp"
#include "script/sql_lexer.hpp"

namespace sluice::migrate {
namespace {

template <class Connection>
void forbid_reconnecting(Connection& connection) {
  if constexpr (requires { connection.inhibit_reactivation(true); }) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
  }
}

script::Rows rows_of(const pqxx::result& result) {
  script::Rows rows;
  for (const auto& row : result) {
    script::Row& fields = rows.add();
    for (const auto& field : row) fields.add(field.is_null() ? "" : field.c_str());
  }
  return rows;
}

using Hear = std::function<void(const std::string&)>;

void tell(const Hear& hear, std::string_view notice) {
  while (notice.ends_with('\n')) notice.remove_suffix(1);
  if (hear && !notice.empty()) hear(std::string(notice));
}

// Newer versions have set_notice_handler(), and deprecate this.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
struct NoticeHandler : pqxx::errorhandler {
  template <class Connection>
  NoticeHandler(Connection& connection, const Hear& hear_)
      : pqxx::errorhandler(connection), hear(hear_) {}
  bool operator()(const char notice[]) noexcept override {
    tell(hear, notice);
    return false;
  }
  const Hear& hear;
};
#pragma GCC diagnostic pop

template <class Connection>
std::unique_ptr<NoticeHandler> listen(Connection& connection, const Hear& hear) {
  if constexpr (requires { connection.set_notice_handler([](auto) noexcept {}); }) {
    connection.set_notice_handler(
        [&hear](auto notice) noexcept { tell(hear, std::string_view(notice)); });
    return nullptr;
  } else {
    return std::make_unique<NoticeHandler>(connection, hear);
  }
}

/// As it stands between COPY and FROM STDIN.
std::string target_of_copy(const std::string& statement) {
  const std::vector<script::Token> tokens = script::lex_tokens(statement).all;
  constexpr std::size_t around = 3;
  if (tokens.size() <= around)
    throw SqlError(std::string(sql_state::internal_error), "ERROR:  COPY of nothing");
  const std::size_t begin = tokens.front().end;
  return statement.substr(begin, tokens[tokens.size() - 2].begin - begin);
}

#if PQXX_VERSION_MAJOR >= 7

/// A line of COPY's text format, taken apart for a stream that puts it together again:
/// https://www.postgresql.org/docs/current/sql-copy.html
class CopyLine {
 public:
  /// nullptr: NULL. Valid until the next call.
  const std::vector<const char*>& fields(std::string_view line) {
    texts_.clear();
    fields_.clear();
    std::vector<bool> nulls;
    for (;;) {
      const std::size_t end = std::min(line.find('\t'), line.size());
      const std::string_view field = line.substr(0, end);
      nulls.push_back(field == "\\N");
      texts_.push_back(unescaped(field));
      if (end == line.size()) break;
      line.remove_prefix(end + 1);
    }
    for (std::size_t i = 0; i < texts_.size(); ++i)
      fields_.push_back(nulls[i] ? nullptr : texts_[i].c_str());
    return fields_;
  }

 private:
  static std::string unescaped(std::string_view field) {
    std::string text;
    for (std::size_t at = 0; at < field.size();) {
      const std::size_t backslash = std::min(field.find('\\', at), field.size());
      text += field.substr(at, backslash - at);
      at = backslash + 1;
      if (at < field.size()) text += escape(field, at);
    }
    return text;
  }
  /// What stands behind a backslash; moves behind it.
  static char escape(std::string_view field, std::size_t& at) {
    constexpr std::string_view letters = "bfnrtv";
    constexpr std::string_view characters = "\b\f\n\r\t\v";
    const char c = field[at++];
    if (const std::size_t letter = letters.find(c); letter != std::string_view::npos)
      return characters[letter];
    const bool is_hex = c == 'x' && at < field.size() && hex_digit(field[at]) >= 0;
    if (!is_hex && (c < '0' || c > '7')) return c;
    int value = is_hex ? 0 : c - '0';
    const std::size_t end = std::min(at + 2, field.size());
    for (; at < end; ++at) {
      const int digit = hex_digit(field[at]);
      if (digit < 0 || (!is_hex && digit > 7)) break;
      value = value * (is_hex ? 16 : 8) + digit;
    }
    return static_cast<char>(value);
  }

  std::vector<std::string> texts_;
  std::vector<const char*> fields_;
};

/// Sends what a COPY stores.
class CopyStream {
 public:
  CopyStream(pqxx::nontransaction& transaction, const std::string& target)
      : stream_(pqxx::stream_to::raw_table(transaction, target)) {}
  void write(std::string_view lines) {
    while (!lines.empty()) {
      const std::size_t end = lines.find('\n');
      stream_.write_row(line_.fields(lines.substr(0, end)));
      lines.remove_prefix(end + 1);
    }
  }
  void end() { stream_.complete(); }

 private:
  pqxx::stream_to stream_;
  CopyLine line_;
};

#else
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/// Sends what a COPY stores.
class CopyStream {
 public:
  CopyStream(pqxx::nontransaction& transaction, const std::string& target)
      : writer_(transaction, target) {}
  /// It ends with a newline. That many lines are one to the writer does not matter to anybody.
  void write(std::string_view lines) { writer_.write_raw_line(std::string(lines)); }
  void end() { writer_.complete(); }

 private:
  pqxx::tablewriter writer_;
};

#pragma GCC diagnostic pop
#endif

Failure not_connected(const std::exception& error) {
  std::string message = error.what();
  while (!message.empty() && message.back() == '\n') message.pop_back();
  return {FailureKind::connect, message};
}

}  // namespace

struct Session::Implementation {
  explicit Implementation(const std::string& conninfo) : connection(conninfo) {
    forbid_reconnecting(connection);
    connection.set_client_encoding("UTF8");
    handler = listen(connection, hear);
  }
  /// One at a time.
  void cancel_query() {
    if (is_cancelling.exchange(true)) return;
    try {
      connection.cancel_query();
    } catch (const std::exception&) {
      // The session has just ended, and says so itself.
    }
    is_cancelling = false;
  }
  std::atomic<bool> is_cancelling = false;
  Hear hear;
  pqxx::connection connection;
  std::unique_ptr<NoticeHandler> handler;
};

/// A thread that connects, and may be left alone with that: nothing ends libpq's wait for a server
/// that accepts and says nothing.
struct Session::Connecting {
  std::mutex mutex;
  std::condition_variable_any done_changed;
  bool done = false;
  std::shared_ptr<Implementation> connected;
  std::exception_ptr failed;
};

std::shared_ptr<Session::Implementation> Session::connect(const std::string& conninfo,
                                                          const Stop& stop) {
  const auto shared = std::make_shared<Connecting>();
  run_left_alone([shared, conninfo] {
    std::shared_ptr<Implementation> connected;
    std::exception_ptr failed;
    try {
      connected = std::make_shared<Implementation>(conninfo);
    } catch (const std::exception&) {
      failed = std::current_exception();
    }
    const std::lock_guard lock(shared->mutex);
    shared->connected = std::move(connected);
    shared->failed = failed;
    shared->done = true;
    shared->done_changed.notify_all();
  });
  std::unique_lock lock(shared->mutex);
  // The second signal comes behind the first.
  shared->done_changed.wait(lock, stop.soon, [&shared] { return shared->done; });
  if (!shared->done) throw Failure(FailureKind::interrupted, "interrupted");
  if (shared->failed) std::rethrow_exception(shared->failed);
  return std::move(shared->connected);
}

Session::Session(const std::string& conninfo, Stop stop, std::chrono::milliseconds answer_max) try
    : implementation_(connect(conninfo, stop)), stop_(std::move(stop)), answer_max_(answer_max) {
  const std::shared_ptr<Implementation> shared = implementation_;
  // A cancel has a connection of its own, whose silence is as long.
  const auto cancel = [shared] { run_left_alone([shared] { shared->cancel_query(); }); };
  const auto cancel_if_blocked = [shared, conninfo] {
    run_left_alone([shared, conninfo] {
      try {
        pqxx::connection other(conninfo);
        pqxx::nontransaction work(other);
        const std::string process = std::to_string(shared->connection.backendpid());
        const auto blocked =
            work.exec("select 1 where pg_catalog.cardinality(pg_catalog.pg_blocking_pids(" +
                      process + ")) operator(pg_catalog.>) 0");
        if (!blocked.empty()) shared->cancel_query();
      } catch (const std::exception&) {
        // Then it has the time that all have.
      }
    });
  };
  const auto cut = [shared] { ::shutdown(shared->connection.sock(), SHUT_RDWR); };
  watch_ = std::make_unique<Watch>(Watch::Means{cancel, cancel_if_blocked, cut}, answer_max);
} catch (const pqxx::broken_connection& error) {
  throw not_connected(error);
} catch (const pqxx::failure& error) {
  throw not_connected(error);
} catch (const std::logic_error& error) {
  throw not_connected(error);
}

Session::~Session() = default;

script::Rows Session::query(const std::string& sql, const Stop& stop) {
  if (stop.now.stop_requested())
    throw SqlError(std::string(sql_state::query_canceled), "ERROR:  canceled");
  return run(sql, Waits::for_a_statement, stop);
}

script::Rows Session::query(const Sql& sql) {
  // What begins, ends and sets names no function, and may stand in a transaction that has failed.
  static constexpr std::array<std::string_view, 5> beginnings{"select", "with", "insert", "update",
                                                              "delete"};
  const bool is_question = std::ranges::any_of(
      beginnings, [&sql](std::string_view beginning) { return sql.text().starts_with(beginning); });
  return run((is_question ? own_path + sql : sql).text(), Waits::for_an_answer, stop_);
}

script::Rows Session::query_in_user_path(const Sql& sql) {
  return run("set local jit = off; " + sql.text(), Waits::for_an_answer, stop_);
}

struct Session::Work {
  pqxx::nontransaction& transaction;
};

script::Rows Session::run(const std::string& sql, Waits what, const Stop& stop) {
  return run(what, stop, [&sql](Work& work) { return rows_of(work.transaction.exec(sql)); });
}

void Session::copy(const std::string& statement, const std::function<std::string_view()>& data,
                   const Stop& stop) {
  if (stop.now.stop_requested())
    throw SqlError(std::string(sql_state::query_canceled), "ERROR:  canceled");
  run(Waits::for_a_statement, stop, [&](Work& work) {
    CopyStream stream(work.transaction, target_of_copy(statement));
    for (std::string_view part = data(); !part.empty(); part = data()) stream.write(part);
    stream.end();
    return script::Rows();
  });
}

script::Rows Session::run(Waits what, const Stop& stop,
                          const std::function<script::Rows(Work&)>& work_of) {
  pqxx::connection& connection = implementation_->connection;
  struct Watched {
    Watch& watch;
    ~Watched() { watch.end(); }
  } watched{*watch_};
  watch_->begin(what, stop);
  // In 6.4 what ends a transaction's luck is no sql_error, and some exceptions have no SQLSTATE.
  try {
    pqxx::nontransaction transaction(connection);
    Work work{transaction};
    return work_of(work);
  } catch (const pqxx::deadlock_detected& error) {
    throw SqlError(std::string(sql_state::deadlock_detected), error.what());
  } catch (const pqxx::serialization_failure& error) {
    throw SqlError(std::string(sql_state::serialization_failure), error.what());
  } catch (const pqxx::insufficient_privilege& error) {
    throw SqlError(std::string(sql_state::insufficient_privilege), error.what());
  } catch (const pqxx::sql_error& error) {
    std::string text = error.what();
    if (error.sqlstate() == sql_state::read_only_sql_transaction) {
      text += text.ends_with('\n') ? "HINT:  " : "\nHINT:  ";
      text += read_only_hint;
    }
    throw SqlError(
        error.sqlstate().empty() ? std::string(sql_state::internal_error) : error.sqlstate(), text);
  } catch (const pqxx::broken_connection&) {
    if (watch_->end()) {
      throw SqlError("", "ERROR:  the server was silent for " + format_duration(answer_max_) +
                             " while it was asked something (see --stall-timeout)");
    }
    throw SqlError("", "ERROR:  the connection to the server was lost");
  } catch (const pqxx::failure& error) {
    // In the middle of data a lost connection is no broken one.
    if (!connection.is_open()) throw SqlError("", "ERROR:  the connection to the server was lost");
    throw SqlError(std::string(sql_state::internal_error), error.what());
  } catch (const std::logic_error& error) {  // what it calls an internal error
    throw SqlError(std::string(sql_state::internal_error), error.what());
  }
}

void Session::roll_back() {
  const Hear hear = std::exchange(implementation_->hear, {});
  query(sql("rollback"));
  implementation_->hear = hear;
}

void Session::hear_notices(Hear hear) { implementation_->hear = std::move(hear); }

bool Session::can_check_client() {
  if (!can_check_client_) {
    can_check_client_ = is_true(
        sql("select version() like '%linux%' and current_setting('server_version_num')::int >= "
            "140000"));
  }
  return *can_check_client_;
}

// By number: a file may rename whoever runs it.
Sql Session::identity_expression() {
  return sql(
      "(select pg_catalog.string_agg(r.oid::pg_catalog.text, ' '::pg_catalog.text order by w.n) "
      "from (values (1, session_user::pg_catalog.name), (2, current_user::pg_catalog.name)) as "
      "w "
      "(n, who) left join pg_catalog.pg_roles r on r.rolname operator(pg_catalog.=) w.who)");
}

const std::string& Session::identity() {
  if (!identity_) {
    identity_ = query_in_user_path(
                    sql("set standard_conforming_strings = on; select {}", identity_expression()))
                    .front()[0];
  }
  return *identity_;
}

const Sql& Session::next_search_path() {
  if (next_search_path_) return *next_search_path_;
  // Where it is a setting of the role's or the database's, and that is taken away, what the server
  // itself has is not known to most roles; nearly always it is the built-in one.
  const script::Row row =
      query_in_user_path(
          sql("select s.setting, s.source operator(pg_catalog.=) any (array['client', 'override', "
              "'interactive', 'session']), case when s.source operator(pg_catalog.=) any (array["
              "'global', 'database', 'user', 'database user']) then s.boot_val else s.setting end "
              "from pg_catalog.pg_settings s where s.name operator(pg_catalog.=) 'search_path'"))
          .front();
  if (row[1] == "t") {
    next_search_path_ = sql("{}::pg_catalog.text", literal(row[0]));
    return *next_search_path_;
  }
  // As the server has it: of a role in a database, of the role, of the database, of all.
  next_search_path_ =
      sql("coalesce((select pg_catalog.substr(c.c, 13) from pg_catalog.pg_db_role_setting s cross "
          "join pg_catalog.unnest(s.setconfig) as c (c) where pg_catalog.left(c.c, 12) "
          "operator(pg_catalog.=) 'search_path='::pg_catalog.text and (s.setdatabase "
          "operator(pg_catalog.=) 0::pg_catalog.oid or s.setdatabase operator(pg_catalog.=) "
          "(select d.oid from pg_catalog.pg_database d where d.datname operator(pg_catalog.=) "
          "pg_catalog.current_database())) and (s.setrole operator(pg_catalog.=) "
          "0::pg_catalog.oid or s.setrole operator(pg_catalog.=) (select r.oid from "
          "pg_catalog.pg_roles r where r.rolname operator(pg_catalog.=) session_user)) order by "
          "s.setrole operator(pg_catalog.=) 0::pg_catalog.oid, s.setdatabase "
          "operator(pg_catalog.=) 0::pg_catalog.oid limit 1), {}::pg_catalog.text)",
          literal(row[2]));
  return *next_search_path_;
}

int Session::announced_backend() const { return implementation_->connection.backendpid(); }

}  // namespace sluice::migrate
