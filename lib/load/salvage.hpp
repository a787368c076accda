#pragma once

#include <functional>

#include "chunk/chunk.hpp"
#include "load/bad_records.hpp"
#include "load/plan.hpp"
#include "load/report.hpp"
#include "writer/writer.hpp"

namespace sluice::load {

/// What became of a chunk's tuples.
struct Salvaged : RowCounts {
  bool is_complete = true;    ///< false where the search ended early
  std::uint64_t rejects = 0;  ///< the refused tuples, and the records that reading refused
  Refused refused;            ///< for BadRecords
};

/// Puts the tuples of a chunk into the transaction that is open on `on`, and leaves out those that
/// the server refuses. Each of them was refused alone, at its place behind the others of its lane.
///
/// The lanes go one after the other. Where their order decides what is refused (a record of each
/// has the same key), or what becomes of what is not (Writer::needs_file_order), all goes in as
/// text in the order of the file.
///
/// `may_go_on` is asked with the number of refused tuples so far; where it says no, the search ends
/// there. Without it only the first bad tuple of each lane is found.
///
/// Throws PgError where something other than data is refused, and for a lost connection.
asio::awaitable<Salvaged> salvage(Resources on, pg::Connection& connection,
                                  const writer::Writer& writer, const Plan& plan,
                                  const chunk::Chunk& chunk, const tuple::Batch& batch,
                                  std::function<bool(std::size_t)> may_go_on);

/// The first bad record of a chunk in file order, in a transaction of its own that is rolled back.
/// Nothing if the server takes all of them in the order of the file.
asio::awaitable<std::optional<tuple::Reject>> find_first_bad(
    Resources on, pg::Connection& connection, const writer::Writer& writer, const Plan& plan,
    const chunk::Chunk& chunk, const tuple::Batch& batch,
    const std::optional<writer::Refusal>& refusal);

/// "trips.csv:5: column "fare": value "12x": invalid input syntax ..."
std::string text_of(const std::string& source, const tuple::Reject& reject);

}  // namespace sluice::load
