#pragma once

#include <CLI/CLI.hpp>

#include "app/load_flags.hpp"

namespace sluice::app {

void add_fetch_flags(CLI::App& command, LoadFlags& flags);

/// Puts what may be shown of URLs into their places, and reads what says how they are fetched.
/// Behind it `flags` has no secret but in flags.load.unpack.fetch. Throws Failure(usage).
void settle_fetching(LoadFlags& flags);

}  // namespace sluice::app
