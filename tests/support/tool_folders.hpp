#pragma once

#include <string>
#include <utility>
#include <vector>

namespace sluice::test {

/// A folder in another tool's way of writing: what its manual shows, with tables of ours. All of
/// them make the same schema: tables customers and orders, a function with semicolons in it, an
/// index that is built concurrently; versions 1 to 4 or times.
struct ToolFolder {
  std::string tool;
  std::vector<std::pair<std::string, std::string>> files;
  std::vector<std::string> versions;  ///< in their order
};

const std::vector<ToolFolder>& tool_folders();

/// The same in files of ours.
const ToolFolder& plain_folder();

}  // namespace sluice::test
