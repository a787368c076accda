#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "base/project.hpp"
#include "jobs/job.hpp"

namespace sluice::jobs {

/// A configuration file (docs/scheduling.md): TOML, read by toml++.
struct Config {
  std::string path;         ///< of the file itself, the same wherever it is asked for from
  std::string dbname;       ///< as for -d; empty: not given
  std::string migrate_url;  ///< for migrations, where dbname goes through a pooler
  Project project;          ///< whose jobs these are
  milliseconds grace = limits::job_grace;
  milliseconds keep = limits::job_runs_kept;
  milliseconds lost_after = limits::job_lost_after;
  std::size_t at_once = 0;  ///< so many runs have processes at the same time; 0: any number
  std::vector<Job> jobs;
};

/// The environment, so that a test can have one of its own.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

/// What for a configuration is read: who only looks may be on another host, where no hook's program
/// is.
enum class ConfigUse { run, look };

/// Reads a file. `${NAME}` in a text is that variable of the environment. Throws Failure{usage}
/// with file, line and column: for what is no TOML, an unknown key (with the nearest that exists),
/// a value that means nothing, a schedule that never fires, two jobs of one name, a file or folder
/// that is not there.
Config read_config(const std::string& path, const Environment& environment,
                   ConfigUse use = ConfigUse::run);

/// Makes all jobs this project's, and tells it to the migrations that they run.
void set_project(Config& config, const Project& project);

/// The project of a folder of migrations: what the nearest configuration says (base/project), or
/// what its place says. Throws Failure{usage} for a configuration that is no TOML.
Project project_of_folder(const std::string& folder, const Environment& environment);

}  // namespace sluice::jobs
