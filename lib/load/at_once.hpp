#pragma once

#include <optional>
#include <vector>

#include "async/event.hpp"
#include "ledger/loads.hpp"
#include "load/run.hpp"
#include "plan/plan.hpp"

namespace sluice::load {

/// A source of one chunk without a bad record, ready to be stored. Its run, the plan and the entry
/// outlive it.
struct OneChunk {
  Run& run;
  const plan::Plan& plan;
  const ledger::NewLoad& entry;
  async::Clock::time_point began;
  chunk::Chunk chunk;
  tuple::Batch batch;
};

/// A load that was entered, stored and finished.
struct StoredAtOnce {
  LoadId load;
  ledger::Totals totals;
  chunk::LongRecord long_record;
};

/// Reads and encodes a source. Nothing where it is more than one chunk, has a bad record, or has
/// changed since it was planned; then it is read from its first record on again, by whoever does
/// (plan::reread_preamble()). REQUIRES: the source can be read twice.
asio::awaitable<std::optional<OneChunk>> read_one_chunk(Run& run, const plan::Plan& plan,
                                                        const ledger::NewLoad& entry);

/// Stores sources in one transaction: the locks of their runs, their rows, and the rows of loads
/// and chunks in the ledger, where each load is finished when it is entered. Nothing where anything
/// stands in the way: a load that is like one of them, another run, a refused record. What it is
/// finds out whoever goes the usual way then. Where the connection is lost it is done again, for as
/// long as --retry-for says, and PgError thrown behind that. REQUIRES: the ledger is there; the
/// plans are of one table and feed the same columns in the same way; no source begins with the
/// bytes of another. `lengths` are what is known of all loads, and learns of more.
asio::awaitable<std::optional<std::vector<StoredAtOnce>>> store_at_once(
    Resources on, const std::vector<const OneChunk*>& chunks, ledger::Lengths& lengths);

}  // namespace sluice::load
