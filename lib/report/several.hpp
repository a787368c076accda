#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/load.hpp"

namespace sluice::report {

/// What became of the files of one command.
struct Several {
  std::vector<std::string> files;
  std::vector<std::string> left_out;  ///< rejects of loads, which a pattern has matched
  std::vector<std::string> taken;     ///< by other commands at the same files, in no order
  std::vector<Ending> endings;        ///< of those that were begun, in the order of the files
};

/// A line for each file, and one for all.
std::string text_of(const Several& several);
/// What came of all files together, in this run.
nlohmann::ordered_json json_of_totals(const Several& several);

}  // namespace sluice::report
