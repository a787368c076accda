#pragma once

#include <string>

#include "jobs/config.hpp"
#include "jobs/history.hpp"

namespace sluice::jobs {

/// A job of a configuration, as the database knows it.
struct JobStatus {
  const Job* job = nullptr;
  const JobEntry* entry = nullptr;  ///< nothing: no scheduler has entered it
  std::optional<Instant> next;      ///< its next slot, by the schedule
  std::string late;                 ///< why it is late, in words; empty: it is not

  /// "late", or the state of its newest slot; "new": it has none.
  std::string state() const;
};

/// Late is a job with a slot that nobody has begun for so long, jitter apart, or whose run goes on
/// while its scheduler is silent, and one that no scheduler knows. Late ones first, then in the
/// order of the configuration. Both outlive the result.
std::vector<JobStatus> status_of(const Config& config, const std::vector<JobEntry>& entries,
                                 milliseconds late_after);

nlohmann::ordered_json json_of(const JobStatus& status);

}  // namespace sluice::jobs
