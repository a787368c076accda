#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "app/cli.hpp"
#include "app/placeholder_flags.hpp"
#include "migrate/migrate.hpp"
#include "migrate/options.hpp"
#include "pg/conninfo.hpp"

namespace sluice::app {

/// What stands behind `pgsluice migrate`.
struct MigrateFlags {
  std::string name;  ///< of the subcommand: "up"
  CommonOptions common;
  std::string folder = "sql/migrations";
  std::string migrate_url;
  PlaceholderFlags placeholders;
  migrate::Options options;
  std::string project;
  bool has_project = false;
  std::string argument;
  std::optional<migrate::NewStyle> style;
  std::string accept;
  bool accept_search_path = false;
  std::string forget;
  std::string version;
  std::optional<std::string> to;
  std::optional<std::size_t> steps;
  bool yes = false;
  migrate::TheirWish theirs;
  bool accepts = false;
  bool no_transaction = false;
  bool is_safe = false;
  std::size_t safe_bytes = 100'000'000;
  std::optional<std::chrono::milliseconds> wait;
  std::optional<std::chrono::milliseconds> stop_after;
  bool connects = true;  ///< all but `new`
};

pg::ConnectOptions connection_of(const MigrateFlags& flags);
/// Throws Failure{usage} that names the flag.
script::Version version_of(const std::string& flag, const std::string& text);
/// Throws Failure{usage}.
migrate::Options options_of(const MigrateFlags& flags);
std::chrono::milliseconds stop_after_of(const MigrateFlags& flags);

/// A subcommand with the flags that all of them have.
CLI::App& add_migrate_subcommand(CLI::App& parent, const std::string& name, const std::string& help,
                                 const std::shared_ptr<MigrateFlags>& flags);
void add_migrate_output(CLI::App& c, const std::shared_ptr<MigrateFlags>& flags);
void add_folder(CLI::App& c, const std::shared_ptr<MigrateFlags>& flags);
void add_running(CLI::App& c, const std::shared_ptr<MigrateFlags>& flags);
void add_safe(CLI::App& c, const std::shared_ptr<MigrateFlags>& flags);
void add_strict(CLI::App& c, const std::shared_ptr<MigrateFlags>& flags);
void add_lock_wait(CLI::App& c, const std::shared_ptr<MigrateFlags>& flags);
void add_to(CLI::App& c, const std::shared_ptr<MigrateFlags>& flags);

}  // namespace sluice::app
