#pragma once

#include <string>
#include <vector>

#include "jobs/job.hpp"

namespace sluice::jobs {

/// The argument lists that a command stands for now: with its URLs, and with the files that its
/// patterns match, in the order of their names, as many at once as a command line holds. Files that
/// were written to within `settle` are left for the next time, and so are reject files
/// (NAME.rejects.csv) and the configuration. Empty: no file is there. What cannot be looked at (a
/// folder that may not be read, links that lead in a circle), or not be loaded (a pipe, a device),
/// is added to `unseen`, a sentence each.
std::vector<std::vector<std::string>> arguments_now(const Command& command,
                                                    std::vector<std::string>& unseen);

}  // namespace sluice::jobs
