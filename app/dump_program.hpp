#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "app/migrate_flags.hpp"
#include "migrate/scratch.hpp"

namespace sluice::app {

/// pg_dump, as it is called for the database of a command line.
migrate::DumpProgram dump_program_of(const MigrateFlags& flags, const std::string& program);

/// --pg-dump, whose help begins with `when`.
void add_pg_dump(CLI::App& c, std::string& program, const std::string& when);

}  // namespace sluice::app
