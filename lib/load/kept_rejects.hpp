#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "load/run.hpp"
#include "rejects/budget.hpp"
#include "rejects/reject_file.hpp"
#include "rejects/reject_table.hpp"

namespace sluice::load {

class HeldTransactions;

/// The rejects of a run: their file, which is kept in step with the ledger, or their part of the
/// table that is so by itself; and how many there may be.
class KeptRejects {
 public:
  /// `run` outlives it.
  explicit KeptRejects(Run& run) : run_(run) {}

  rejects::RejectBudget& budget() { return budget_; }
  rejects::RejectFile* file() { return file_.get(); }  ///< nullptr: none is kept
  const rejects::RejectTable* table() const { return table_ ? &*table_ : nullptr; }

  /// Decides where they go, and makes the files: they are there before the ledger names them.
  /// `earlier_path` is what it names already.
  /// `connection` is one to the ledger; nullptr where there is none.
  asio::awaitable<void> choose(const plan::Plan& plan, std::string earlier_path,
                               pg::Connection* connection = nullptr);
  /// Where that is, as the ledger names it; empty: none are allowed.
  const std::string& path() const { return path_; }
  /// A statement, with "; " behind it or empty, for where the load is entered or gone on with;
  /// `load` is SQL for its number.
  Sql frame_statement(const Sql& load) const;

  /// Before the first chunk of the run.
  void open(const plan::Plan& plan);

  /// Counts anew, with what the ledger has of the load.
  void count(const ledger::StoredChunks& stored);

  /// Leaves in the file what earlier runs have stored, and notes where that is not all of it.
  asio::awaitable<void> take_up(const ledger::StoredChunks& stored);

  /// Leaves in the file those of chunks that the ledger has, in file order; and, where they are
  /// what ended the load, those of chunks that it has not. `one` is the transaction that all chunks
  /// are parts of; nullptr: there is none.
  asio::awaitable<void> settle(bool with_others, HeldTransactions* held = nullptr);
  /// The same where there is no ledger: all of them.
  asio::awaitable<void> settle_all();

  void tell_path();  ///< in the report, where there are any
  void leave();

 private:
  asio::awaitable<void> choose_table(rejects::RejectAbout about, std::string earlier_path,
                                     pg::Connection& connection);
  asio::awaitable<void> settle_table(bool with_others);

  Run& run_;
  rejects::RejectBudget budget_;
  std::string path_;
  std::unique_ptr<rejects::RejectFile> file_;
  std::optional<rejects::RejectTable> table_;
};

}  // namespace sluice::load
