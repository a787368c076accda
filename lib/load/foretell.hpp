#pragma once

#include <memory>

#include "load/attempt.hpp"
#include "rejects/salvage.hpp"

namespace sluice::load {

/// What the table will refuse of a chunk, as it was found out before its tuples are put in.
struct Foretold {
  bool is_asked = false;
  /// By which the batch was encoded anew, so that its suspects are in the slow lane; may be
  /// nothing.
  std::unique_ptr<const tuple::EncoderPlan> plan;
  rejects::Foretold refused;  ///< of the slow lane
};

/// Asks the server about the records of a chunk that its table may refuse, by a trial that is taken
/// back. Where the trial itself is refused nothing is known, and none is made any more. REQUIRES:
/// with.suspicion.wants_trial(). Throws PgError for a lost connection.
asio::awaitable<void> foretell(Storing& with, const chunk::Chunk& chunk, tuple::Batch& batch,
                               pg::Connection& on, Foretold& told);

}  // namespace sluice::load
