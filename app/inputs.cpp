#include "app/inputs.hpp"

namespace sluice::app {

std::vector<Input> inputs_of(const std::vector<std::string>& files,
                             const source::UnpackOptions& options) {
  std::vector<Input> inputs;
  for (const std::string& file : files) {
    std::optional<std::vector<std::string>> members;
    if (!options.members.empty()) members = source::members_of(file, options);
    if (!members) {
      inputs.push_back({file, {}, true});
      continue;
    }
    for (std::string& member : *members) inputs.push_back({file, std::move(member), false});
    inputs.back().is_last_of_file = true;
  }
  return inputs;
}

}  // namespace sluice::app
