#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/semaphore.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/sql.hpp"
#include "pg/batch.hpp"
#include "pg/connection.hpp"

namespace sluice::ledger {

/// The server's side of noticing that we are gone without a word, by name and value: otherwise what
/// we hold stays held for as long as its system's defaults say, often two hours.
std::vector<std::pair<std::string, std::string>> keepalive_settings();

/// Another run is at work on the same load.
class LoadIsHeld : public Failure {
 public:
  explicit LoadIsHeld(const std::string& message) : Failure(FailureKind::held, message) {}
};

/// What a run keeps others away from.
struct RunLockNames {
  /// SQL of type text for the table's oid.
  Sql target;
  /// Nobody else loads this source into the table. Empty: nothing of the kind is held.
  std::string fingerprint;
  /// Of its beginning: a stream's length is not known, so that a file of the same bytes has another
  /// fingerprint. A stream keeps away all that begin like it, a file only streams. Or empty.
  std::string head;
  bool is_stream = false;
  /// Names a file, whatever it has in it by now: source::file_of_stamp(). Nobody else loads it. Or
  /// empty.
  std::string file;
  /// Rows of the table are taken away (--truncate): nobody else loads into it meanwhile. Otherwise
  /// all others may but those who do this.
  bool empties_table = false;
  /// For how long they are asked for.
  std::chrono::milliseconds patience = limits::lock_patience;
  /// Others may load the same (--join), and take it from a run that the server has not heard of for
  /// so long. Zero: they may not.
  std::chrono::milliseconds lease{};
};

/// Keeps a second run away from a load while one is at work, so that it can say so instead of
/// waiting at each chunk. It is an advisory lock in a transaction of its own connection, which
/// stays open (without a snapshot, so it holds back neither vacuum nor index builds): it works
/// behind a transaction pooler, and ends with the process however that ends. What makes a load
/// exactly once is not this lock but the key of pgsluice.chunks.
class RunLock {
 public:
  /// Takes the locks. `before` are statements that come first, in the user's search_path, each with
  /// "; " behind it. Throws Failure(held) that says who holds one of them.
  static asio::awaitable<RunLock> take(std::unique_ptr<pg::Connection> connection, Sql before,
                                       RunLockNames names);

  /// Takes the same locks for the transaction, as an expression that is true if it could.
  static Sql try_expression(const RunLockNames& names);
  /// The same for several loads into one table. Where it is not true, some may have been taken.
  static Sql try_all_expression(const std::vector<RunLockNames>& all);

  /// Marks a transaction as one of a run that others may join, whose sessions are ended where they
  /// take its load; empty where they may not. With "; " behind it.
  static Sql mark_statement(const RunLockNames& names);

  /// An expression that is true while a run holds a load; both are SQL of type text.
  static Sql is_held_expression(const Sql& target, const Sql& fingerprint);

  /// Ends the sessions that a run which is gone has left, by the mark of its transactions: they
  /// would keep chunks from being stored. Those of a role whose sessions this one may not end stay.
  static asio::awaitable<void> end_left(pg::Connection& connection, RunLockNames names);
  /// Ends those of a run that was silent for the time of its lease.
  static asio::awaitable<void> end_where_silent(pg::Connection& connection, RunLockNames names);
  /// Who has the load, where it is a role whose sessions this one may not end: for people; else
  /// empty.
  static asio::awaitable<std::string> not_to_be_ended(pg::Connection& connection,
                                                      RunLockNames names);

  /// Begins a transaction on a connection of the caller's, and takes the same locks for as long as
  /// that lasts. In the same round trip it asks `question`, a query, and returns the answer.
  static asio::awaitable<pg::Result> begin_locked(pg::Connection& connection, Sql before,
                                                  RunLockNames names, Sql question);

  /// Whether it is held since it was taken, by the server that `other` speaks with, and that one
  /// has not crashed meanwhile: what it acknowledged since then it still has.
  asio::awaitable<bool> is_held_at(pg::Connection& other);

  /// Asks something beside, and returns the last answer; nothing where it was refused, which costs
  /// the lock nothing, or where the connection is lost.
  asio::awaitable<std::optional<pg::Result>> ask(pg::Batch question);

  /// Shows the server that this run lives. False where the lock is lost, with the connection.
  asio::awaitable<bool> renew();

  /// Lets go, and gives the connection back.
  std::unique_ptr<pg::Connection> release() && { return std::move(connection_); }

 private:
  RunLock(const asio::any_io_executor& executor, std::unique_ptr<pg::Connection> connection);

  std::unique_ptr<pg::Connection> connection_;
  std::unique_ptr<async::Semaphore> turn_;  ///< of who asks by it
};

}  // namespace sluice::ledger
