#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/sql.hpp"
#include "script/rows.hpp"
#include "script/script.hpp"

/// What pgsluice.migrations (sql/ledger/history.sql) knows, and the SQL that tells it.
namespace sluice::script {

/// A migration that was begun.
struct Entry {
  enum class State {
    applied,
    baseline,   ///< all versions up to this one were there before pgsluice came
    running,    ///< without a transaction: its runner works on it, or has died
    failed,     ///< without a transaction, at a statement
    reverting,  ///< its way back without a transaction was begun, and has not ended
  };

  std::string project;
  bool versioned = true;
  Version version;                         ///< of a versioned one
  std::string file;                        ///< the name, without folder, of what was applied
  std::string checksum;                    ///< of what was applied; empty: not known
  bool is_accepted = false;                ///< a person has said that a difference is meant
  std::string accepted_checksum;           ///< of the file as it was then; empty: it was gone
  std::optional<std::string> search_path;  ///< where it was applied; nothing: not known
  std::optional<std::string> led_to;       ///< where the next one is, if that is known
  State state = State::applied;
  std::size_t statements_done = 0;  ///< of one without a transaction
  bool statement_begun = false;     ///< the next one was begun, and may have been done
  std::string done_checksum;        ///< of the statements that are done
  std::string error;
  std::string finished_at;
};

struct History {
  std::vector<Entry> entries;
};

/// Whose history it is, and where its files make what they name without a schema: a list of
/// schemas.
struct Home {
  std::string project;
  std::optional<std::string> search_path;  ///< nothing: of pgsluice's own schema
  /// An expression of text: the setting with which a session of this role begins then. Empty: it is
  /// not asked.
  Sql next_setting = {};
};

/// The schemas of the search_path that is in force, as a list of names: an expression of text, for
/// any search_path. Our own is left out, as the files do not find it (migrate/apply).
Sql schemas_in_path();

/// Was accepted as gone: its number stays taken.
bool is_accepted_as_gone(const Entry& entry);
/// The content is what was applied, or what was accepted since.
bool has_content(const Entry& entry, const std::string& checksum);

/// A query of all entries of a project, or of all projects but pgsluice's own, in the order in
/// which they were begun; read_entry() reads a row of it, given as texts, NULL as an empty one. A
/// history that an older version has left can be read too.
Sql history_query(const std::string& project);
Sql histories_query();
Entry read_entry(const Row& row);

/// Who writes: "host, process 123".
std::string runner_name();

/// A write of the history, which changes one row.
struct Write {
  Write(Sql write_) : write(std::move(write_)) {}  // NOLINT: most are no more
  Sql write;                                       ///< insert, update or delete
  Sql before;                                      ///< a statement in front of it
  Sql is_done;  ///< a condition: the same was stored before, and its answer was lost
};

/// Statements that keep the history. A repeatable script's entry is replaced. That of a way back
/// goes to pgsluice.reverted.
Write record_applied(const Home& home, const Script& script);
Sql record_baseline(const Home& home, const Version& version);
/// For a script without a transaction: it begins, a statement is done (with the checksum of all
/// that are) and maybe the next one begun, it failed, it is done.
Write record_begun(const Home& home, const Script& script);
Write record_progress(const Home& home, const Script& script, std::size_t statements_done,
                      bool next_begun, const std::string& done_checksum);
Write record_failed(const Home& home, const Script& script, const std::string& error);
Write record_finished(const Home& home, const Script& script);

/// A person says that this entry is right as the file is now, or although it is gone (empty
/// checksum). What was applied is kept beside it.
Sql record_accepted(const Home& home, const Entry& entry, const std::string& checksum);
/// A person says that this entry shall not count.
Sql forget(const Home& home, const Entry& entry);

/// Entries of before projects had names, and of before the history knew where, become this one's.
Sql take_over(const Home& home);
/// Where this project was applied is here.
Sql record_search_path(const Home& home);
/// What has run behind the newest entry may have changed where the next one will be.
Write record_next(const Home& home);

/// The same write, whose answer is the number of rows that it stored, changed or deleted: a trigger
/// or a rule on the table, or what a file has done to its own row, can make that none.
Sql counted(const Write& write);
/// What to say where it is none.
inline constexpr const char* not_kept =
    "pgsluice.migrations did not keep what was written to it: a trigger or a rule on it, or SQL "
    "that "
    "changes its rows, is in the way";

}  // namespace sluice::script
