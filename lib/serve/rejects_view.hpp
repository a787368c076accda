#pragma once

#include <string>

#include "ledger/loads.hpp"
#include "serve/exchange.hpp"

namespace sluice::serve {

/// Sends a load's rejects as they are: the records (".csv"), or the reasons (".jsonl"). They are on
/// the host that ran it, in the folder in which its uploads run. Throws Refused{404} where there
/// are none, or not there.
asio::awaitable<void> send_rejects(Exchange& exchange, const ledger::LoadEntry& load,
                                   const std::string& folder, const std::string& ending);

}  // namespace sluice::serve
