#pragma once

#include "ledger/loads.hpp"

namespace sluice::resume {

/// Throws ledger::damaged() where what the ledger says of a load is not what a load writes there,
/// and a run that goes by it would not know what to do.
void require_sound(const ledger::LoadEntry& load);

}  // namespace sluice::resume
