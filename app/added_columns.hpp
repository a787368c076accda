#pragma once

#include "app/load_flags.hpp"
#include "app/runtime.hpp"

namespace sluice::app {

/// Adds the columns to the table that a file has more (--add-columns): nullable, of types that keep
/// their values with no flag. Returns the options by which they are loaded, and that say what was
/// done. Throws Failure; PgError where there is no table.
plan::LoadOptions with_added_columns(Runtime& runtime, const LoadFlags& flags,
                                     plan::LoadOptions options);

}  // namespace sluice::app
