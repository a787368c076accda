#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "script/placeholders.hpp"

namespace sluice::app {

/// Where the values of placeholders come from: --placeholder, --placeholder-env and
/// --placeholder-file, each with a name and an equals sign in front.
struct PlaceholderFlags {
  std::vector<std::string> values;
  std::vector<std::string> variables;
  std::vector<std::string> files;
};

void add_placeholder_flags(CLI::App& command, PlaceholderFlags& flags);

/// From everywhere. Throws Failure{usage}: what is wrong names the placeholder, and never shows a
/// value.
script::Placeholders placeholders_of(const PlaceholderFlags& flags);

}  // namespace sluice::app
