#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

/// What a person always wants: flags of a file (~/.config/pgsluice/config.toml) and of variables
/// (PGSLUICE_JOBS=4), where the command line does not say them. Later wins: the file for all
/// commands, the file for this one, the variable, the command line.
namespace sluice::app {

/// Where the value of a flag comes from that is on no command line.
struct Origin {
  std::string flag;   ///< "--jobs"
  std::string place;  ///< "/home/me/.config/pgsluice/config.toml:3:1", "PGSLUICE_JOBS"
};

/// PGSLUICE_DEFAULTS names the file; "none": neither it nor variables count, as in the processes
/// that schedulers and services start.
inline constexpr const char* defaults_variable = "PGSLUICE_DEFAULTS";

/// Adds such flags to the arguments of a command of `program`, in front of its own. Throws
/// Failure{usage} for a file that cannot be read, or has something that no command has.
std::vector<Origin> add_defaults(const CLI::App& program, std::vector<std::string>& arguments);

}  // namespace sluice::app
