#pragma once

#include "load/run.hpp"
#include "plan/plan.hpp"

namespace sluice::load {

/// What --select makes of the first records (--dry-run --limit N), into the report. They go into a
/// temporary table, in a transaction that is rolled back; a record that would be refused is a note.
/// REQUIRES: the plan selects, and has a limit.
asio::awaitable<void> preview(Run& run, plan::Plan& plan);

}  // namespace sluice::load
