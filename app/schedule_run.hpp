#pragma once

#include "app/cli.hpp"
#include "base/hook_limits.hpp"
#include "jobs/config.hpp"

namespace sluice::app {

struct ScheduleFlags {
  CommonOptions common;
  std::string config = "pgsluice.toml";
  bool once = false;
  std::optional<std::chrono::milliseconds> wait;
  std::optional<std::string> project;
  std::string job;
  std::size_t count = 20;
  std::string metrics_file;  ///< empty: none
  std::chrono::milliseconds late_after = limits::job_late_after;
};

/// Where the jobs' database is: the flags, or else what the configuration says.
pg::ConnectOptions connection_of(const ScheduleFlags& flags, const std::string& dbname);

/// Reads the configuration, and throws Failure{usage} also for flags that the job's command would
/// refuse when it is due. `project` is what a flag says, if it does.
jobs::Config read_jobs(const std::string& path, const std::optional<std::string>& project,
                       jobs::ConfigUse use = jobs::ConfigUse::run);

int run_schedule(const ScheduleFlags& flags);

}  // namespace sluice::app
