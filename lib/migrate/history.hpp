#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "migrate/rows.hpp"
#include "migrate/script.hpp"

/// What pgsluice.migrations (sql/ledger/history.sql) knows, and the SQL that tells it.
namespace sluice::migrate {

/// A migration that was begun.
struct Entry {
  enum class State {
    applied,
    baseline,  ///< all versions up to this one were there before pgsluice came
    running,   ///< without a transaction: its runner works on it, or has died
    failed,    ///< without a transaction, at a statement
  };

  bool versioned = true;
  std::uint64_t version = 0;  ///< of a versioned one
  std::string file;           ///< its name without folder
  std::string checksum;       ///< empty: the file is gone, and that was accepted
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

/// A query of all entries of a project, in the order in which they were begun; read_entry() reads a
/// row of it, given as texts, NULL as an empty one.
std::string history_query(const std::string& project);
Entry read_entry(const Row& row);

/// Who writes: "host, process 123".
std::string runner_name();

/// Statements that keep the history. A repeatable script's entry is replaced.
std::string record_applied(const std::string& project, const Script& script);
std::string record_baseline(const std::string& project, std::uint64_t version);
/// For a script without a transaction: it begins, a statement is done (with the checksum of all
/// that are) and maybe the next one begun, it failed, it is done.
std::string record_begun(const std::string& project, const Script& script);
std::string record_progress(const std::string& project, const Script& script,
                            std::size_t statements_done, bool next_begun,
                            const std::string& done_checksum);
std::string record_failed(const std::string& project, const Script& script,
                          const std::string& error);
std::string record_finished(const std::string& project, const Script& script);

/// A person says that this entry is right as the file is now, or although it is gone (empty
/// checksum).
std::string record_accepted(const std::string& project, const Entry& entry,
                            const std::string& checksum);
/// A person says that this entry shall not count.
std::string forget(const std::string& project, const Entry& entry);

}  // namespace sluice::migrate
