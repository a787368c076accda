#pragma once

#include <string>
#include <vector>

#include "app/load_flags.hpp"
#include "app/runtime.hpp"
#include "plan/options.hpp"

namespace sluice::app {

/// The names of a table's columns: what a header is compared with.
std::vector<std::string> ask_column_names(Runtime& runtime, const std::string& table);

/// The options of one file under --dialect auto: what its beginning says of its dialect, where no
/// flag has said it. What comes once is opened, for the load too. Throws Failure(usage) with both
/// readings where it is not sure.
plan::LoadOptions with_dialect_of(const LoadFlags& flags, const plan::LoadOptions& options,
                                  const std::vector<std::string>& names);

/// What to add to this failure of a file that was read in another dialect than it looks like; or
/// nothing. It was not read with what is said there.
std::string dialect_advice(const LoadFlags& flags, const plan::LoadOptions& options,
                           const std::string& failure);

}  // namespace sluice::app
