#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/sql.hpp"
#include "ledger/loads.hpp"
#include "pg/connection.hpp"

namespace sluice::ledger {

/// The rows of a chunk are durable when its own transaction has committed. If a crash takes back
/// what is said of the load as a whole, the same command finds its chunks and says it again: so a
/// commit of that need not wait for the disk.
inline constexpr SqlWords without_waiting = "set local synchronous_commit = off; ";
/// ... and where it has to, whatever the session's setting is.
inline constexpr SqlWords waiting =
    "select set_config('synchronous_commit', 'local', true) where "
    "current_setting('synchronous_commit') = 'off'; ";

/// What a load's entry is made with.
struct BeginOptions {
  Sql before;  ///< statements that run first in the same transaction, such as a TRUNCATE
  Sql behind;  ///< ... and last; each ends with "; "
  /// Wait until the entry is on disk, also where the server does not by itself: a crash must not
  /// take it from chunks that are stored long after it.
  bool durable = true;
};

/// Enters a load, in the transaction that is open, if one is; it commits that.
asio::awaitable<LoadId> begin_load(pg::Connection& on, const NewLoad& load,
                                   const BeginOptions& options);

/// A load whose records are all stored or skipped, as one chunk.
struct StoredLoad {
  const NewLoad& load;
  ChunkEntry chunk;
  Sql seconds;  ///< for how long it took
};

/// Statements that enter such loads into one table, by the transaction that they are in. The last
/// one answers a row for each (read_entered()). An unlogged table's are `marked`.
/// REQUIRES: each has a fingerprint of its own.
std::vector<Sql> enter_stored_statements(const std::vector<StoredLoad>& loads, bool marked);
/// What that one answers: the load of each fingerprint.
std::map<std::string, LoadId, std::less<>> read_entered(const pg::Result& entered);

/// A load that a transaction has entered whose answer was lost.
struct Entered {
  LoadId load;
  double age = 0;  ///< seconds since that transaction began
};
/// Of these loads, which all go into one table, those that are finished and in all as they would be
/// entered, by their fingerprints; of several of a fingerprint the newest.
asio::awaitable<std::map<std::string, Entered, std::less<>>> find_entered(
    pg::Connection& on, const std::vector<const NewLoad*>& loads);

}  // namespace sluice::ledger
