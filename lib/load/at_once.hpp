#pragma once

#include <optional>

#include "load/resources.hpp"
#include "plan/plan.hpp"

namespace sluice::load {

/// A load that was entered, stored and finished.
struct StoredAtOnce {
  LoadId load;
  ledger::Totals totals;
  chunk::LongRecord long_record;
};

/// Stores a source of one chunk in one transaction: the lock of the run, its rows, and the rows of
/// load and chunk in the ledger, where the load is finished when it is entered. Nothing where
/// anything stands in the way: a load that is like it, another run, a bad record, a lost
/// connection. What it is finds out whoever goes the usual way then; the source is at its first
/// record again. REQUIRES: the ledger is there, and the source can be read twice.
asio::awaitable<std::optional<StoredAtOnce>> store_at_once(Resources on, plan::Plan& plan);

}  // namespace sluice::load
