#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ledger/deferred_indexes.hpp"
#include "pg/pool.hpp"

namespace sluice::load {

/// What became of indexes that were to be built again.
struct Restored {
  std::vector<std::string> built;
  std::vector<std::string> were_there;
  std::vector<std::string> refused;  ///< messages for a person: which index, and why not
};

/// Builds indexes again, several at a time: as many as `jobs` and the pool allow. `settings` are
/// statements for each transaction; `told` hears of each one that is ready, with true where it was
/// built. Begins no more when `stopped` says so. What cannot be built is told in the answer, behind
/// all the others; throws the first failure that trying again may mend.
asio::awaitable<Restored> restore_indexes(
    pg::Pool& pool, std::vector<ledger::DeferredIndex> indexes, Sql settings, std::size_t jobs,
    std::function<void(const ledger::DeferredIndex&, bool)> told, std::function<bool()> stopped);

}  // namespace sluice::load
