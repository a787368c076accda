#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "app/load_flags.hpp"

namespace sluice::app {

void add_fetch_flags(CLI::App& command, LoadFlags& flags);

/// Puts what may be shown of URLs into their places, and reads what says how they are fetched.
/// Behind it `flags` has no secret but in flags.load.unpack.fetch. Throws Failure(usage).
void settle_fetching(LoadFlags& flags);

/// The flags without which what was given would not be found there again; none of a file. Nothing
/// secret is in them.
std::vector<std::string> fetch_flags_for(const std::string& path, const LoadFlags& flags);

}  // namespace sluice::app
