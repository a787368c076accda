#pragma once

#include "load/run.hpp"
#include "plan/plan.hpp"

namespace sluice::load {

/// Behind a load: collects statistics of its table, where that is asked for, and notes what of the
/// table is not as others expect it who go on with it (statistics, sequences). A load that is
/// stored is not the worse for what fails here.
asio::awaitable<void> look_after_table(Run& run, const plan::Plan& plan, bool says_sequences);

}  // namespace sluice::load
