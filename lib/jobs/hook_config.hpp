#pragma once

#include <filesystem>

#include "jobs/hook.hpp"
#include "jobs/toml_file.hpp"

namespace sluice::jobs {

/// What a table says of hooks; where it says nothing of one, `otherwise` holds. Paths are seen from
/// `folder`. Throws Failure{usage}, with line and column: also for a program that is not there.
Hooks read_hooks(const TomlFile& file, const toml::table& from, const std::filesystem::path& folder,
                 const Hooks& otherwise);

}  // namespace sluice::jobs
