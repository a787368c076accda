#pragma once

#include "app/load_flags.hpp"
#include "app/runtime.hpp"
#include "report/load.hpp"

namespace sluice::app {

/// Runs one load, with progress on stderr and signals heard, and says how it ended.
report::Ending run_one(Runtime& runtime, const LoadFlags& flags, plan::LoadOptions options);

/// The ending of a command that could not begin.
report::Ending ending_of(const Failure& failure, const std::string& path, const std::string& table);

}  // namespace sluice::app
