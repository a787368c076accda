#pragma once

#include "base/failure.hpp"
#include "migrate/culprit.hpp"
#include "migrate/file_history.hpp"
#include "migrate/options.hpp"
#include "migrate/own_transaction.hpp"
#include "migrate/session.hpp"
#include "script/plan.hpp"
#include "script/secrets.hpp"
#include "script/stretches.hpp"

namespace sluice::migrate {

/// Runs one script in a session that holds the lock, and keeps the history. What is transient
/// (a lock timeout, a deadlock) is tried again, with back-off. Throws Failure with file, line,
/// column and statement; SqlError only where the connection is lost.
class Apply {
 public:
  using Record = FileHistory::Store;

  Apply(Session& session, const Options& options, const script::Secrets& secrets,
        const Listener& listener, const Stop& stop)
      : session_(session), options_(options), secrets_(secrets), listener_(listener), stop_(stop) {}

  /// In one transaction with its row of the history, or statement by statement.
  void run(const script::Home& home, const script::Status& pending, const Record& record);

  /// The same of a script that keeps no history: it runs whenever somebody says so.
  void run_unrecorded(const script::Script& script);

  /// Rows of the history that come with a script which has none itself.
  struct Rows {
    Sql write;
    std::size_t count;
  };
  /// The same of a script that is one transaction, with these rows in it.
  void run_with_rows(const script::Script& script, const Rows& rows);

  /// In a transaction that is open, and stays so.
  void rehearse(const script::Script& script);

  using EachUnit = std::function<void(const script::Stretch&, std::size_t unit,
                                      const std::function<void()>& run)>;
  /// The same unit by unit, each run by who looks on; of a script without a transaction, in none.
  void rehearse_units(const script::Script& script, const EachUnit& each);

  /// Throws what the lexer finds, before anything runs. Returns how many statements there are.
  static std::size_t check(const script::Script& script, const script::Placeholders& placeholders);

 private:
  /// Nothing of what was set is left. Then the lexer's quotes are the server's: without this a
  /// role's or a database's own setting would count.
  static constexpr SqlWords as_it_was =
      "reset session authorization;reset role;reset all;set standard_conforming_strings=on;"
      "set default_transaction_deferrable=off;";
  /// Nor of what a session has beside settings: DISCARD ALL, which may stand in no transaction,
  /// without advisory locks, of which one is ours (LockedSession::hold).
  static constexpr SqlWords nothing_left =
      "close all;deallocate all;unlisten *;discard plans;discard sequences;discard temp;";
  static constexpr SqlWords constraints = "set constraints all immediate";

  /// A script that runs.
  struct Task {
    const script::Script& script;
    const script::Home* home = nullptr;    ///< whose history is kept; nothing: none is
    const script::Entry* entry = nullptr;  ///< of a script that was begun
    const Record* record = nullptr;        ///< where there is a home
    const Rows* rows = nullptr;            ///< of others
  };
  /// What of a transaction is sent: where an error comes from.
  struct Sending {
    enum class Part { all, stretch, data, constraints, own } part = Part::all;
    std::string head;  ///< in front of the stretch
    script::Stretch stretch;
    bool is_ending = false;  ///< by us
  };
  void run(const Task& task);
  void run_transaction(const Task& task);
  void send_transaction(const Task& task, Sending& sending);
  void send_guarded(const Task& task, Sending& sending);
  void run_statements(const Task& task);
  struct Progress;
  void stop_behind(const Task& task, Progress& progress, std::size_t done_before);
  /// A unit of a script without a transaction, which is about to be sent.
  struct Next {
    const script::Stretch& stretch;
    std::size_t index;
    script::Stretches& data;  ///< which may have data of it

    bool has_data() const { return stretch.has_data && index + 1 == stretch.units.size(); }
  };
  void run_unit(const Task& task, const Next& next, Progress& progress);
  void send_unit(const Task& task, const script::Unit& unit, const std::string& text);
  enum class Set { for_session, for_transaction, for_new_transaction };
  /// Settings of a file: nothing of the one before is left. A new transaction begins here.
  Sql settings(const script::Script& script, Set where) const;
  bool try_again(const script::Script& script, const SqlError& error, std::size_t attempt);
  Failure failure_of(const Task& task, const SqlError& error, const Culprit& culprit,
                     const std::string& what_happened) const;
  /// What comes behind that text and its constraints. Its answer is for commit().
  Sql own_row(const Task& task) const;
  void commit(const Task& task, const script::Rows& stored, Sending& sending);
  Culprit culprit_of(const Task& task, const SqlError& error, const Sending& sending,
                     bool may_search);
  std::optional<Culprit> find_culprit(const Task& task, const SqlError& error,
                                      std::size_t units_before);

  Session& session_;
  const Options& options_;
  const script::Secrets& secrets_;
  const Listener& listener_;
  const Stop& stop_;
  mutable BegunMark begun_;  ///< of the transaction that was begun last
  /// What settings() sets for the search_path; empty: nothing.
  mutable std::optional<std::string> path_;
  std::string safe_words_;  ///< why up --safe has cancelled a statement; empty: it has not
};

}  // namespace sluice::migrate
