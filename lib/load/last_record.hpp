#pragma once

#include "load/report.hpp"
#include "plan/plan.hpp"

namespace sluice::load {

/// Notes a last record without a line end: a file that is still being written, or was cut off,
/// looks like that. `ends_within_line`: so it was read, of what is packed. Nothing where no record
/// was read, where --limit ended the reading, and of streams that are not packed.
void note_last_record(const plan::Plan& plan, bool ends_within_line, LoadReport& report);

/// Notes a record of unusually many lines, where no flag says how many there may be.
void note_long_record(const plan::Plan& plan, const chunk::LongRecord& record, LoadReport& report);

}  // namespace sluice::load
