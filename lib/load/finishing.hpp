#pragma once

#include <string>
#include <vector>

#include "ledger/loads.hpp"
#include "load/resources.hpp"
#include "load/retry_policy.hpp"
#include "plan/plan.hpp"

namespace sluice::load {

/// The transaction that finishes a load has something of the user's in it: --after-sql,
/// --set-sequences.
bool ends_with_more(const plan::LoadOptions& options);

/// Throws, before the first row, where the end of the load is known to be refused: what the user
/// may not delete, a condition that is none, sequences that he may not set.
asio::awaitable<void> require_possible_end(pg::Pool& pool, const plan::Plan& plan);

/// Does that, and commits; the connection is nobody else's afterwards. `on` is in the transaction,
/// with all of the load's own part done. Throws Failure that names the place in the user's file,
/// and what of the load is left then: `otherwise`. What could go well another time is a PgError.
asio::awaitable<void> end_with_more(const plan::Plan& plan, pg::Connection& on,
                                    const char* otherwise, std::vector<std::string>& notes);

/// A load at its end: its entry, and what this run has read of it.
struct Ending {
  const ledger::NewLoad& entry;
  LoadId load;
  const ledger::Read& read;
  double seconds;
};

/// The statement that finishes it in the ledger (ledger::read_finish()).
Sql finish_statement(const Ending& ending);

struct Finished {
  ledger::Finish end;
  std::vector<std::string> notes;  ///< for people
};

/// Finishes a load whose rows are in the table, in one transaction with that, trying again as the
/// policy says. One whose answer was lost is found done, and is done once.
asio::awaitable<Finished> finish_with_more(Resources on, const plan::Plan& plan,
                                           const RetryPolicy& policy, Ending ending);

}  // namespace sluice::load
