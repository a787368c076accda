#include "app/inputs.hpp"

namespace sluice::app {

std::vector<Input> inputs_of(const std::vector<std::string>& files,
                             const source::UnpackOptions& options) {
  std::vector<Input> inputs;
  for (const std::string& file : files) {
    std::optional<source::Members> members;
    if (!options.members.empty()) members = source::members_of(file, options);
    if (!members) {
      inputs.push_back({.path = file, .member = {}, .is_last_of_file = true});
      continue;
    }
    for (std::string& member : members->meant) {
      inputs.push_back({.path = file,
                        .member = std::move(member),
                        .is_last_of_file = false,
                        .left_out = members->others,
                        .listed = members->file});
    }
    inputs.back().is_last_of_file = true;
  }
  return inputs;
}

}  // namespace sluice::app
