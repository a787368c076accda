#pragma once

#include "base/failure.hpp"
#include "migrate/options.hpp"
#include "migrate/plan.hpp"
#include "migrate/secrets.hpp"
#include "migrate/session.hpp"
#include "migrate/units.hpp"

namespace sluice::migrate {

/// Runs one script in a session that holds the lock, and keeps the history. What is transient
/// (a lock timeout, a deadlock) is tried again, with back-off. Throws Failure with file, line,
/// column and statement; SqlError only where the connection is lost.
class Apply {
 public:
  /// Stores a statement of the history of a file that is not one transaction (see
  /// LockedSession::record).
  using Record = std::function<void(const std::string& sql)>;

  Apply(Session& session, const Options& options, const Secrets& secrets, const Listener& listener,
        const Stop& stop)
      : session_(session), options_(options), secrets_(secrets), listener_(listener), stop_(stop) {}

  /// In one transaction with its row of the history, or statement by statement.
  void run(const Home& home, const Status& pending, const Record& record);

  /// The same of a script that keeps no history: it runs whenever somebody says so.
  void run_unrecorded(const Script& script);

  /// In a transaction that is open, and stays so.
  void rehearse(const Script& script);

  /// Throws what the lexer finds, before anything runs.
  static void check(const Script& script, const Placeholders& placeholders);

 private:
  struct Text {
    const Script& script;
    std::string sql;  ///< with placeholders
    std::vector<Unit> units;
    const Home* home = nullptr;      ///< whose history is kept; nothing: none is
    const Entry* entry = nullptr;    ///< of a script that was begun
    const Record* record = nullptr;  ///< where there is a home
  };

  Text text_of(const Script& script) const;
  void run(const Text& text);
  void run_transaction(const Text& text);
  void run_statements(const Text& text);
  void run_unit(const Text& text, std::size_t index, bool was_begun);
  void send_unit(const Text& text, std::size_t index);
  /// Settings of a file: nothing of the one before is left.
  std::string settings(const Script& script, bool local) const;
  std::string path(const std::string& set) const;
  bool try_again(const Script& script, const SqlError& error, std::size_t attempt);
  std::string as_written(const Text& text, std::size_t unit) const;
  Failure failure_of(const Text& text, const SqlError& error, std::optional<std::size_t> unit,
                     std::optional<Place> place, const std::string& what_happened) const;
  /// What is behind the text of a file that is one transaction, but for its commit.
  std::string tail(const Text& text) const;
  struct Culprit {
    std::optional<std::size_t> unit;
    bool is_behind = false;  ///< all statements went well, and what comes behind them did not
  };
  Culprit find_culprit(const Text& text, const std::string& state);

  Session& session_;
  const Options& options_;
  const Secrets& secrets_;
  const Listener& listener_;
  const Stop& stop_;
  /// Without our own schema, as a setting; empty: it is not in there.
  mutable std::optional<std::string> path_;
};

}  // namespace sluice::migrate
