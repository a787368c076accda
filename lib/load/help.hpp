#pragma once

#include <optional>

#include "ledger/run_lock.hpp"
#include "ledger/segments.hpp"
#include "load/kept_rejects.hpp"
#include "load/run.hpp"

namespace sluice::load {

/// Finds the load of this source that another run has, and makes the plan one of its segments, of
/// which this run may take some: under a lock of its own, which is held from here on. Nothing where
/// there is no such load.
asio::awaitable<std::optional<ledger::SegmentHolder>> help_with(
    Run& run, plan::Plan& plan, KeptRejects& rejects, std::optional<ledger::RunLock>& lock);

/// Waits until that run has ended the load. Nothing where it is gone, or silent for the time of its
/// lease, or the load is given up.
asio::awaitable<std::optional<ledger::LoadEntry>> wait_for_end(Run& run,
                                                               const ledger::SegmentHolder& holder);

/// The load, where it has ended.
asio::awaitable<std::optional<ledger::LoadEntry>> find_ended(Run& run,
                                                             const ledger::SegmentHolder& holder);

/// The run that has the load's lock.
ledger::SegmentHolder lead_of(const plan::Plan& plan, LoadId load);

}  // namespace sluice::load
