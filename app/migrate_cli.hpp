#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "app/migrate_flags.hpp"
#include "app/migrate_steps.hpp"

namespace sluice::app {

/// What the flags of a command line of `pgsluice migrate` belong to.
struct MigrateCli {
  CLI::App& parent;
  std::shared_ptr<MigrateFlags> flags = std::make_shared<MigrateFlags>();
  std::shared_ptr<MigrateStep> command = std::make_shared<MigrateStep>();

  void choose(CLI::App& sub, const MigrateStep& run_it) const {
    sub.callback([command = command, run_it] { *command = run_it; });
  }
};

void add_verify(const MigrateCli& cli);
void add_schema_files(const MigrateCli& cli);
void add_squash(const MigrateCli& cli);

}  // namespace sluice::app
