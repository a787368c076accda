#pragma once

#include <exception>

#include "app/load_flags.hpp"
#include "app/runtime.hpp"
#include "load/load.hpp"
#include "report/load.hpp"

namespace sluice::app {

/// Runs one load, with progress on stderr and signals heard, and says how it ended.
report::Ending run_one(Runtime& runtime, const LoadFlags& flags, const plan::LoadOptions& options);

/// How a load ended that threw this, or nothing, as a report.
report::Ending ending_of(const std::exception_ptr& failed, const Runtime& runtime,
                         const LoadFlags& flags, const plan::LoadOptions& options,
                         const load::Load& load);

/// The ending of a command that could not begin.
report::Ending ending_of(const Failure& failure, const std::string& path, const std::string& table);

/// How messages name the file of a load.
std::string name_of_file(const std::string& path);

/// Of several files, each message says which one it is about.
void name_file(report::Ending& ending);

}  // namespace sluice::app
