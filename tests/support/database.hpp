#pragma once

#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::test {

/// What the server's own COPY says to a text: nothing if it takes it.
struct CopyRefusal {
  std::string sql_state;
  std::string message;
  std::uint64_t line = 0;  ///< as in CONTEXT, 0 if there is none
};

/// A plain, blocking session, to set scenes and to look at results. Throws on errors.
class Session {
 public:
  explicit Session(const std::string& url);

  void run(const std::string& sql);
  std::string value(const std::string& sql);
  std::int64_t number(const std::string& sql);
  std::vector<std::vector<std::string>> rows(const std::string& sql);

  /// COPY target FROM STDIN with these options, as psql's \copy would send it.
  std::optional<CopyRefusal> copy(const std::string& target, const std::string& options,
                                  const std::string& bytes);
  /// COPY (query) TO STDOUT with these options.
  std::string copy_out(const std::string& query, const std::string& options);

  PGconn* raw() const { return connection_.get(); }

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  std::unique_ptr<PGconn, Finish> connection_;
};

/// Waits until a query, of a table that need not be there yet, says true; false after some minutes.
bool comes_true(Session& session, const std::string& query);

/// Each test has a database of its own, so also a ledger of its own.
class DatabaseTest : public ::testing::Test {
 protected:
  DatabaseTest() : DatabaseTest("") {}
  /// On that server instead of the tests' own, with its database postgres.
  explicit DatabaseTest(const std::string& server_url);
  ~DatabaseTest() override;

  const std::string& url() const { return url_; }
  Session& db() { return *db_; }
  /// After the server has been away. A test that waits for a lock waits some minutes at most.
  void connect_again();

  /// Makes a login role without rights, with the password that the tests use, and gives the URL to
  /// connect as it.
  std::string url_of_new_role(const std::string& role);

  /// Count and hash of all rows, whatever their order.
  std::string content(const std::string& table);
  /// Sessions of pgsluice in this database.
  std::int64_t sessions();
  /// Waits until pgsluice has no session here (a killed client's backend may need a moment); false
  /// after some minutes.
  bool no_session_left();
  /// As comes_true() of the test's own session.
  bool comes_true(const std::string& query);
  /// Waits until so many chunks are stored; fails after some minutes.
  void wait_for_chunks(std::int64_t count);
  /// Empty if each chunk of each load adds up and the sums agree with the table's row count; else
  /// what does not.
  std::string ledger_disagreement(const std::string& table);

 private:
  std::string name_;
  std::string url_;
  std::unique_ptr<Session> db_;
};

/// The same server and user, another database.
std::string url_of_database(const std::string& url, const std::string& database);

}  // namespace sluice::test
