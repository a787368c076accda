#pragma once

#include <string>
#include <vector>

namespace sluice::jobs {

/// A flag's value that holds where a command line does not say another one.
struct Default {
  std::vector<std::string> command;  ///< "migrate", "up"; empty: of all commands that have the flag
  std::string flag;                  ///< "max-rejects"
  std::vector<std::string> values;   ///< of a list several
  bool is_switch = false;            ///< it was true or false: values.front() says which
  std::string place;                 ///< "/home/me/.config/pgsluice/config.toml:3:1"
};

/// Reads a person's defaults: TOML, a table for each command, and in it flags by their long names.
/// Whether there are such commands and flags, its caller knows. Throws Failure{usage} with the
/// place.
std::vector<Default> read_defaults(const std::string& path);

}  // namespace sluice::jobs
