#pragma once

#include <filesystem>

#include "jobs/hook.hpp"
#include "jobs/toml_file.hpp"

namespace sluice::jobs {

/// Where hooks are called, if they are.
struct HookPlace {
  std::filesystem::path folder;  ///< from which paths are seen
  bool is_called = true;         ///< otherwise a program may be missing here
};

/// What a table says of hooks; where it says nothing of one, `otherwise` holds. Throws
/// Failure{usage}, with line and column: also for a program that is to be called and is not there.
Hooks read_hooks(const TomlFile& file, const toml::table& from, const HookPlace& place,
                 const Hooks& otherwise);

}  // namespace sluice::jobs
