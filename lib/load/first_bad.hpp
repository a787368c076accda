#pragma once

#include "load/plan.hpp"
#include "load/report.hpp"
#include "source/chunk.hpp"
#include "writer/copy_writer.hpp"

namespace sluice::load {

/// Finds the first record of a chunk that cannot be stored, after the chunk was refused: by the
/// server (`refusal`), or because reading it already found bad records (`batch.rejects`). It asks
/// the server with transactions that are rolled back: about the records in front of the one that is
/// known, since the lanes are sent one after the other, and by bisection where the server names
/// none (a foreign key or a deferred constraint is checked after all rows). Returns the failure to
/// report. Throws PgError if the connection is lost meanwhile.
asio::awaitable<BadRecord> find_first_bad(pg::Pool& pool, const writer::CopyWriter& writer,
                                          const Plan& plan, const source::Chunk& chunk,
                                          const tuple::Batch& batch,
                                          std::optional<writer::Refusal> refusal);

}  // namespace sluice::load
