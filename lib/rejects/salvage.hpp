#pragma once

#include <functional>

#include "async/asio.hpp"
#include "base/row_counts.hpp"
#include "chunk/chunk.hpp"
#include "rejects/bad_records.hpp"
#include "writer/writer.hpp"

namespace sluice::rejects {

/// What became of a chunk's tuples.
struct Salvaged {
  RowCounts counts;
  bool is_complete = true;    ///< false where the search ended early
  std::uint64_t rejects = 0;  ///< the refused tuples, and the records that reading refused
  Refused refused;            ///< for BadRecords
};

/// Tuples of a lane by their numbers in it, in rising order, that the table is known to refuse
/// behind those in front of them, and how.
using Foretold = std::vector<std::pair<std::uint64_t, writer::Refusal>>;

/// A chunk whose tuples are put in without the bad ones. All outlive it.
struct Sifting {
  Reading reading;
  asio::thread_pool& cpu;
  pg::Connection& connection;
  const writer::Writer& writer;
  const chunk::Chunk& chunk;
  const tuple::Batch& batch;
  const Foretold* foretold = nullptr;  ///< of the slow lane; nullptr: nothing is
};

/// Puts the tuples of a chunk into the transaction that is open on the connection, and leaves out
/// those that the server refuses. Each of them was refused alone, at its place behind the others of
/// its lane, here or before (`foretold`); or among others by a verdict on its own values, by a
/// server that has named others rightly before.
///
/// The lanes go one after the other. Where their order decides what is refused (a record of each
/// has the same key), or what becomes of what is not (Writer::needs_file_order), all goes in as
/// text in the order of the file.
///
/// `may_go_on` is asked with the number of refused tuples so far; where it says no, the search ends
/// there. Without it only the first bad tuple of each lane is found.
///
/// Throws PgError where something other than data is refused, and for a lost connection.
asio::awaitable<Salvaged> salvage(const Sifting& what, std::function<bool(std::size_t)> may_go_on);

/// The first bad record of a chunk in file order, in a transaction of its own that is rolled back.
/// Nothing if the server takes all of them in the order of the file.
asio::awaitable<std::optional<tuple::Reject>> find_first_bad(
    const Sifting& what, const std::optional<writer::Refusal>& refusal);

/// "trips.csv:5: column "fare": value "12x": invalid input syntax ..."
std::string text_of(const std::string& source, const tuple::Reject& reject);

}  // namespace sluice::rejects
