#include "support/database.hpp"

#include <unistd.h>

#include <stdexcept>

#include "support/patience.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, Clear>;

ResultPtr execute(PGconn* connection, const std::string& sql) {
  ResultPtr result(PQexec(connection, sql.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    throw std::runtime_error(sql + ": " + PQerrorMessage(connection));
  }
  return result;
}

int next_database = 0;

}  // namespace

Session::Session(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
  if (PQstatus(connection_.get()) != CONNECTION_OK)
    throw std::runtime_error(PQerrorMessage(connection_.get()));
  PQsetNoticeReceiver(connection_.get(), [](void*, const PGresult*) {}, nullptr);
}

void Session::run(const std::string& sql) { execute(connection_.get(), sql); }

std::string Session::value(const std::string& sql) {
  const ResultPtr result = execute(connection_.get(), sql);
  return PQntuples(result.get()) == 0 ? "" : PQgetvalue(result.get(), 0, 0);
}

std::int64_t Session::number(const std::string& sql) { return std::stoll(value(sql)); }

std::vector<std::vector<std::string>> Session::rows(const std::string& sql) {
  const ResultPtr result = execute(connection_.get(), sql);
  std::vector<std::vector<std::string>> all;
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    std::vector<std::string> fields;
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      fields.emplace_back(PQgetisnull(result.get(), row, column)
                              ? "<null>"
                              : PQgetvalue(result.get(), row, column));
    }
    all.push_back(std::move(fields));
  }
  return all;
}

std::optional<CopyRefusal> Session::copy(const std::string& target, const std::string& options,
                                         const std::string& bytes) {
  const ResultPtr begun(
      PQexec(connection_.get(), ("copy " + target + " from stdin (" + options + ")").c_str()));
  if (PQresultStatus(begun.get()) != PGRES_COPY_IN)
    throw std::runtime_error(PQerrorMessage(connection_.get()));
  if (!bytes.empty())
    PQputCopyData(connection_.get(), bytes.data(), static_cast<int>(bytes.size()));
  PQputCopyEnd(connection_.get(), nullptr);
  std::optional<CopyRefusal> refusal;
  while (const ResultPtr result{PQgetResult(connection_.get())}) {
    if (PQresultStatus(result.get()) == PGRES_COMMAND_OK) continue;
    CopyRefusal refused;
    const auto field = [&](int code) {
      const char* text = PQresultErrorField(result.get(), code);
      return std::string(text == nullptr ? "" : text);
    };
    refused.sql_state = field(PG_DIAG_SQLSTATE);
    refused.message = field(PG_DIAG_MESSAGE_PRIMARY);
    const std::string context = field(PG_DIAG_CONTEXT);
    // An input function's own context ("JSON data, line 1") stands above.
    if (const auto at = context.find(", line ", context.rfind("COPY ")); at != std::string::npos)
      refused.line = std::stoull(context.substr(at + 7));
    refusal = refused;
  }
  return refusal;
}

std::string Session::copy_out(const std::string& query, const std::string& options) {
  const ResultPtr begun(
      PQexec(connection_.get(), ("copy (" + query + ") to stdout (" + options + ")").c_str()));
  if (PQresultStatus(begun.get()) != PGRES_COPY_OUT)
    throw std::runtime_error(PQerrorMessage(connection_.get()));
  std::string bytes;
  char* piece = nullptr;
  for (int size; (size = PQgetCopyData(connection_.get(), &piece, 0)) > 0; PQfreemem(piece)) {
    bytes.append(piece, static_cast<std::size_t>(size));
  }
  while (const ResultPtr result{PQgetResult(connection_.get())}) {
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK)
      throw std::runtime_error(PQerrorMessage(connection_.get()));
  }
  return bytes;
}

bool comes_true(Session& session, const std::string& query) {
  return is_seen([&] {
    try {
      return session.value(query) == "t";
    } catch (const std::runtime_error&) {
      return false;  // the table may not be there yet
    }
  });
}

std::string url_of_database(const std::string& url, const std::string& database) {
  const std::size_t query = url.find('?');
  const std::size_t slash = url.rfind('/', query);
  const std::size_t authority = url.find("://") + 3;
  const std::string tail = query == std::string::npos ? "" : url.substr(query);
  return (slash == std::string::npos || slash < authority ? url.substr(0, query)
                                                          : url.substr(0, slash)) +
         "/" + database + tail;
}

DatabaseTest::DatabaseTest(const std::string& server_url)
    : name_("pgsluice_test_" + std::to_string(::getpid()) + "_" + std::to_string(next_database++)) {
  if (!server_url.empty()) {
    name_ = "postgres";
    url_ = server_url;
  } else {
    url_ = url_of_database(ServerEnvironment::url(), name_);
    Session(ServerEnvironment::url()).run("create database " + name_);
  }
  connect_again();
}

void DatabaseTest::connect_again() {
  db_ = std::make_unique<Session>(url_);
  db_->run("set lock_timeout = '5min'");
}

DatabaseTest::~DatabaseTest() {
  db_.reset();
  if (name_ != "postgres")
    Session(ServerEnvironment::url()).run("drop database " + name_ + " with (force)");
}

std::string DatabaseTest::url_of_new_role(const std::string& role) {
  const std::string password = PQpass(db().raw());
  db().run("drop role if exists " + role + "; create role " + role + " login" +
           (password.empty() ? "" : " password '" + password + "'"));
  return url_ + (url_.find('?') == std::string::npos ? "?" : "&") + "user=" + role;
}

std::string DatabaseTest::content(const std::string& table) {
  return db().value(
      "select count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), "
      "'') from " +
      table + " t");
}

std::int64_t DatabaseTest::sessions() {
  // In a transaction that the test has open it would be what was there at the first look.
  db().run("select pg_stat_clear_snapshot()");
  return db().number(
      "select count(*) from pg_stat_activity where application_name = 'pgsluice' and datname = '" +
      name_ + "'");
}

bool DatabaseTest::no_session_left() {
  if (is_seen([this] { return sessions() == 0; })) return true;
  // Which they are says more than that there are some.
  for (const auto& row :
       db_->rows("select pid::text, state, coalesce(wait_event, ''), (clock_timestamp() - "
                 "query_start)::text, query "
                 "from pg_stat_activity where application_name = 'pgsluice' and datname = "
                 "current_database()")) {
    for (const std::string& field : row) std::fprintf(stderr, "%s | ", field.c_str());
    std::fprintf(stderr, "\n");
  }
  return false;
}

bool DatabaseTest::comes_true(const std::string& query) { return test::comes_true(db(), query); }

void DatabaseTest::wait_for_chunks(std::int64_t count) {
  ASSERT_TRUE(comes_true("select count(*) >= " + std::to_string(count) + " from pgsluice.chunks"))
      << "no chunks are stored";
}

std::string DatabaseTest::ledger_disagreement(const std::string& table) {
  const auto wrong = db().rows(
      "select 'load ' || load_id from pgsluice.chunks group by load_id "
      "having sum(records_read) <> sum(rows_stored + rows_updated + rows_unchanged + rows_rejected "
      "+ rows_skipped + rows_filtered)");
  if (!wrong.empty()) return wrong.front().front() + ": chunks do not add up";
  const auto in_table = db().number("select count(*) from " + table);
  const auto in_ledger = db().number(
      "select coalesce(sum(c.rows_stored), 0) from pgsluice.chunks c join pgsluice.loads l using "
      "(load_id) "
      "where l.state <> 'void'");
  if (in_table != in_ledger) {
    return "table has " + std::to_string(in_table) + " rows, ledger " + std::to_string(in_ledger);
  }
  return "";
}

}  // namespace sluice::test
