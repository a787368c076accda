#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace sluice::app {

/// The subcommand that was named last, and all names on the way to it: "pgsluice migrate up".
struct NamedCommand {
  const CLI::App* command;
  std::string path;
};
NamedCommand named_command(const CLI::App& app);

/// What is wrong with the arguments, in our words: the command, the flag, and what to write
/// instead. REQUIRES: the app has just thrown `error`.
std::string describe(const CLI::App& app, const CLI::ParseError& error,
                     const std::string& first_argument);

}  // namespace sluice::app
