#pragma once

#include <string>
#include <vector>

#include "base/position.hpp"
#include "pg/connection.hpp"

namespace sluice::ledger {

/// What of a load was given up.
struct Forgotten {
  bool is_known = false;                 ///< there is such a load
  bool was_unfinished = false;           ///< nothing goes on with it any more
  std::string source;                    ///< of the load
  std::string target;                    ///< its table, as it was called
  std::uint64_t rows = 0;                ///< that stay in the table
  std::string dropped_stage;             ///< the table in which rows waited; empty: none
  std::string left_stage;                ///< one that others have to drop, with its owner
  std::vector<std::string> indexes;      ///< no longer in the journal
  std::vector<std::string> definitions;  ///< of these, as the journal had them
};

/// Gives a load up: what waits to be published is dropped, its missing indexes are taken out of the
/// journal, and an unfinished load becomes void. Rows that are in the table stay. Throws
/// Failure(held) while a run is at work, and Failure where an index could still be built, unless
/// `with_indexes`.
asio::awaitable<Forgotten> forget(pg::Connection& on, LoadId load, bool with_indexes);

}  // namespace sluice::ledger
