#pragma once

#include "load/attempt.hpp"
#include "load/finishing.hpp"
#include "load/resources.hpp"
#include "plan/plan.hpp"

namespace sluice::load {

/// The road of a load that is all or nothing: its chunks' transactions put their rows into an
/// unlogged table of its own (ledger/stages, without indexes), each with its ledger row, and one
/// transaction at the end puts them into the target, says in the ledger that the load is finished
/// and drops that table. Until then nothing of it is in the target, and the load can be resumed.

/// Makes the staging table unless it is there, and sets the strategy's `stage`. A server that
/// crashed has emptied it, as it is not logged: then the ledger's chunks of this load go too, as
/// they do where another user began the load or the target was altered since, and why is returned;
/// else nothing.
asio::awaitable<std::string> prepare_staging(pg::Connection& on, plan::Plan& plan, LoadId load);

struct Published {
  ledger::Finish end;
  /// Records that the target refuses, where there may be rejects. Their chunks are in the ledger no
  /// more, and are to be sent again without them.
  tuple::KnownRefusals refused;
  std::vector<std::string> notes;  ///< for people
};

/// Publishes, trying again as the policy says: a publication whose answer was lost is found done.
/// Where the ledger does not agree with what was read, or the server has lost staged rows (which
/// are forgotten then), nothing is published and the result is not finished.
/// Throws Failure where two records have the same key and the load is to stop there, and BadRecord
/// for the first record that the target refuses where there is no budget for rejects.
asio::awaitable<Published> publish(Resources on, const plan::Plan& plan, const RetryPolicy& policy,
                                   Ending ending);

}  // namespace sluice::load
