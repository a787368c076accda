#pragma once

#include <functional>
#include <optional>

#include "chunk/chunk.hpp"
#include "load/replica_watch.hpp"
#include "load/report.hpp"
#include "load/resources.hpp"
#include "load/retry_policy.hpp"
#include "load/suspicion.hpp"
#include "load/wide_keys.hpp"
#include "plan/plan.hpp"
#include "rejects/bad_records.hpp"
#include "rejects/budget.hpp"
#include "rejects/reject_file.hpp"
#include "rejects/reject_table.hpp"
#include "writer/writer.hpp"

namespace sluice::load {

class HeldTransactions;
class Segments;

/// What chunks are stored with. All outlive the load.
struct Storing {
  Resources on;
  const plan::Plan& plan;
  const writer::Writer& writer;
  RetryPolicy policy;
  rejects::RejectBudget& budget;
  rejects::RejectFile* rejects = nullptr;               ///< nullptr: no file is kept
  const rejects::RejectTable* rejects_table = nullptr;  ///< instead of a file
  std::uint64_t& retries;                               ///< counts
  HeldTransactions* in = nullptr;  ///< that chunks are parts of; nullptr: each is its own
  WideKeys* wide_keys = nullptr;   ///< nullptr: no index waits to be built
  Suspicion& suspicion;
  ReplicaWatch* replicas = nullptr;  ///< that are waited for; nullptr: none are
  Segments* segments = nullptr;      ///< that chunks are read from; nullptr: from the source
};

/// What became of a chunk.
struct Stored {
  RowCounts counts;
  std::uint64_t rows_rejected = 0;
};

/// Stores a chunk, trying again as the policy says. First all of it at once; if the server refuses
/// a record, or reading has refused one, again without its bad records, which are written to the
/// reject file before the commit, or into the reject table with it. Throws BadRecord where the
/// budget allows no more of them, Failure where the reject file cannot be written, and Refusal or
/// PgError when it gives up. The batch is encoded anew where a refusal says more about its records.
asio::awaitable<Stored> store(Storing& with, const chunk::Chunk& chunk, tuple::Batch& batch);

/// The ledger's row for a chunk whose batch is `batch`.
ledger::ChunkEntry entry_of(const chunk::Chunk& chunk, const tuple::Batch& batch);

/// The error with the lines that were under way, where the server said it of them.
pg::PgError of_lines(const Storing& with, const chunk::Chunk& chunk, pg::PgError error);

/// Throws BadRecord where the batch has a record of the wrong length, and such a record ends a load
/// whatever its budget (--ragged=error).
void refuse_ragged(const Storing& with, const chunk::Chunk& chunk, const tuple::Batch& batch);

/// Writes the bad records of a chunk to the reject file, where there is one. Blocks.
void keep_rejects(const Storing& with, const chunk::Chunk& chunk, const rejects::Refused& refused);

/// The last bad record of a chunk that has some. Blocks.
tuple::Reject last_of(const Storing& with, const chunk::Chunk& chunk,
                      const rejects::Refused& refused);

/// The failure of a load that stops at a bad record.
BadRecord failure_of(const Storing& with, const chunk::Chunk& chunk, tuple::Reject reject,
                     std::uint64_t rejects);

}  // namespace sluice::load
