#pragma once

#include <cstdint>
#include <vector>

#include "jobs/job.hpp"

namespace sluice::jobs {

using schedule::Instant;

/// The slots of a job between the last one that was seen and now.
struct Due {
  std::vector<Instant> run;         ///< in order
  std::vector<Instant> missed;      ///< in order; the newest of them, if there are very many
  std::uint64_t missed_before = 0;  ///< older ones, which are only counted
  bool missed_more = false;         ///< and were too many for that
  std::string missed_text(std::uint64_t count) const;  ///< "17 slots", "more than 1000000 slots"
};

/// Pure: which slots later than `after`, and not later than `now`, run. A slot is late when
/// `late_after` has passed: nobody was there. `latest` runs the newest in any case, `none` only one
/// that is not late, `all` runs all, the oldest missed_slots_max of them first: whoever has run
/// these asks again.
Due due_slots(const schedule::Recurrence& recurrence, Catchup catchup, Instant after, Instant now,
              std::chrono::seconds late_after);

/// How much later than its slot a job begins: the same on every host.
milliseconds jitter_of(const Job& job, Instant slot);

}  // namespace sluice::jobs
