#pragma once

#include <string>

#include "ledger/loads.hpp"
#include "pg/pool.hpp"
#include "serve/exchange.hpp"

namespace sluice::serve {

/// Sends a load's rejects: the records as they were, with what stood in front of them, or the
/// reasons. Uploads leave them in the table pgsluice.rejects. Throws Refused{404} where there are
/// none, or not there.
asio::awaitable<void> send_rejects(Exchange& exchange, pg::Pool& pool,
                                   const ledger::LoadEntry& load, const std::string& ending);

}  // namespace sluice::serve
