#pragma once

#include "load/report.hpp"
#include "plan/plan.hpp"

namespace sluice::load {

/// Notes a last record without a line end: a file that is still being written, or was cut off,
/// looks like that. Nothing where no record was read, where --limit ended the reading, and of
/// streams.
void note_last_record(const plan::Plan& plan, LoadReport& report);

}  // namespace sluice::load
