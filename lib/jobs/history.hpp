#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "jobs/run_entry.hpp"
#include "pg/connection.hpp"

/// What the database knows of jobs and their runs, to look at.
namespace sluice::jobs {

/// Which runs to list.
struct RunsFilter {
  std::string project;  ///< empty: of all
  std::string job;      ///< empty: all
  std::size_t count = 0;
  /// Only those of earlier slots, and (where `before_project` is not empty) those of that slot
  /// which stand behind this project's in the list.
  std::optional<Instant> before = {};
  std::string before_project = {};
};

/// Newest first; of one slot in the order of projects and jobs.
asio::awaitable<std::vector<RunEntry>> list_runs(pg::Connection& on, RunsFilter filter);

/// A job that a scheduler has entered, whether or not one follows it still.
struct JobEntry {
  std::string project;
  std::string name;
  std::string schedule;  ///< the expression and its time zone, or "@after JOB"
  std::string slots_of;  ///< the same of the job that it comes after, if it does
  std::string since;     ///< when this schedule was first seen
  Instant seen;          ///< the same
  std::string follower;  ///< the scheduler that entered it last
  std::string followed_at;
  /// Of the newest slots, newest first.
  std::vector<RunState> last_states;
  std::optional<RunEntry> last_run;
  /// The newest slot that ran and ended well, and when it ended; in seconds since 1970 too.
  std::optional<Instant> success_slot;
  std::string success_at;
  std::int64_t success_epoch = 0;
  Instant now;  ///< by the database's clock, when this was asked

  /// The next slot by the schedule, if it can be read: the database does not say what a scheduler
  /// is about to do.
  std::optional<Instant> next_slot() const;
};
nlohmann::ordered_json json_of(const JobEntry& job);

/// In the order of projects and names; of one project, or (empty) of all.
asio::awaitable<std::vector<JobEntry>> list_jobs(pg::Connection& on, std::string project);

/// One run: the question, and its answer.
Sql run_question(const SlotId& id);
std::optional<RunEntry> run_in(const pg::Result& rows);

/// Whether there is a job of this name, in this project or (empty) in any.
asio::awaitable<bool> has_job(pg::Connection& on, std::string project, std::string job);

}  // namespace sluice::jobs
