#pragma once

#include <string>
#include <vector>

namespace sluice::jobs {

/// What a process is started with.
struct Handed {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
};

/// Values of placeholders go by the environment: ps shows arguments to everybody.
Handed hand_values(const std::vector<std::string>& arguments,
                   const std::vector<std::string>& environment);

/// Arguments as they may be shown: without these values.
std::vector<std::string> shown_arguments(const std::vector<std::string>& arguments);

}  // namespace sluice::jobs
