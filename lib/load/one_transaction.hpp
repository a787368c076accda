#pragma once

#include <optional>

#include "ledger/ledger.hpp"
#include "load/finishing.hpp"
#include "load/run.hpp"
#include "pg/pool.hpp"
#include "writer/writer.hpp"

namespace sluice::load {

/// Asks the table whether chunks can be parts of one transaction there: where they cannot, they
/// wait in a stage, or Failure(usage) is thrown to whoever has asked for it all the same. REQUIRES:
/// plan.strategy.in_one.
asio::awaitable<void> choose_way(Run& run, plan::Plan& plan);

/// The transaction that all chunks of a load are parts of (plan::Strategy::in_one). It is one
/// connection's, from the first chunk to the commit, and whatever happens to that takes all of it
/// back: the ledger has the load, unfinished and without a chunk.
class OneTransaction {
 public:
  /// All outlive it.
  OneTransaction(Run& run, const plan::Plan& plan, const ledger::NewLoad& entry)
      : run_(run), plan_(plan), entry_(entry) {}

  /// Begins it, unless it is open. Throws NotAsPlanned.
  asio::awaitable<void> begin(writer::Writer& writer);
  /// REQUIRES: it is open.
  pg::Connection& connection() { return **lease_; }
  bool is_open() const { return lease_.has_value(); }

  /// What it has of the load so far; nothing where it is not open.
  asio::awaitable<ledger::StoredChunks> stored_chunks();

  /// Finishes the load in the ledger, with what ends it, and commits.
  asio::awaitable<Finished> finish(const Ending& ending);

  /// Takes all of it back, if it is open.
  void give_up() { lease_.reset(); }

  /// Behind an error. True where the load is finished all the same, and reported so: its commit's
  /// answer was lost. False where all of the source is to be sent once more. Else throws the error.
  asio::awaitable<bool> recover(pg::PgError error);

 private:
  asio::awaitable<std::optional<ledger::Totals>> ask_what_became_of_it();

  Run& run_;
  const plan::Plan& plan_;
  const ledger::NewLoad& entry_;
  std::optional<pg::Lease> lease_;
  int mishaps_ = 0;
};

}  // namespace sluice::load
