#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ledger/deferred_indexes.hpp"
#include "pg/pool.hpp"

namespace sluice::load {

/// Builds indexes again, several at a time: as many as `jobs` and the pool allow. `settings` are
/// statements for each transaction; `built` is told each one that is ready. Begins no more when
/// `stopped` says so. Throws the first failure, behind the others that are being built.
asio::awaitable<void> restore_indexes(pg::Pool& pool, std::vector<ledger::DeferredIndex> indexes,
                                      std::string settings, std::size_t jobs,
                                      std::function<void(const ledger::DeferredIndex&)> built,
                                      std::function<bool()> stopped);

}  // namespace sluice::load
