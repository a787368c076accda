#pragma once

#include "ledger/loads.hpp"
#include "plan/plan.hpp"

namespace sluice::resume {

/// What the ledger will know of the load that this plan is of: it is asked by it for earlier ones,
/// and entered with it. Rejects and the load that it goes on behind are added by whoever enters it.
ledger::NewLoad entry_of(const plan::Plan& plan);

}  // namespace sluice::resume
