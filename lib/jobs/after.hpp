#pragma once

#include <string>
#include <vector>

#include "jobs/slots.hpp"

namespace sluice::jobs {

/// What becomes of the slots of a job that comes after another one.
struct AfterDue {
  std::vector<Instant> run;  ///< in order
  std::vector<SlotLeftOut> left_out;
  Instant seen;  ///< all up to here are looked at
};

/// Pure: a slot of the job before runs when that one's run of it has ended well; one that did not
/// run well is left out. What is under way there is waited for, and so is all behind it. Of several
/// that are there the newest runs (`latest`), all of them (`all`), or those that ended a short time
/// ago (`none`). `before` is in the order of the slots, and all of it is later than `seen`.
AfterDue due_after(const std::string& predecessor, Catchup catchup,
                   const std::vector<RunBefore>& before, Instant seen);

}  // namespace sluice::jobs
