#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "app/cli.hpp"

namespace sluice::app {

/// The tree of commands with their flags, and what each command runs: what is parsed, what --help
/// shows, and what manual pages and completion are made of.
struct Program {
  /// Where the first argument names a command, that one alone: making all flags of all commands
  /// takes longer than a small load.
  explicit Program(const std::string& first);

  CLI::App app{
      "Loads CSV into PostgreSQL: fast, exactly once, and with every row accounted for. Runs SQL "
      "migrations, and both on a schedule.",
      "pgsluice"};
  std::map<std::string, Run> commands;
};

}  // namespace sluice::app
