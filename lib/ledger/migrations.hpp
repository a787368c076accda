#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pg/connection.hpp"

namespace sluice::ledger {

/// A row of pgsluice.migrations, to look at: what the database knows, without the files.
struct MigrationEntry {
  std::int64_t id = 0;  ///< in the order in which they were begun
  std::string project;
  std::optional<std::int64_t> version;  ///< nothing: a repeatable one
  std::string version_rest;             ///< ".2" of 1.2
  std::string file;                     ///< without its folder
  std::string checksum;                 ///< empty: not known
  std::string state;                    ///< applied, baseline, running, failed
  std::string begun_at;
  std::string applied_at;  ///< empty: it has not ended
  std::string applied_by;  ///< who was logged in
  std::string runner;      ///< host and process
  std::string seconds;
  std::uint64_t statements_done = 0;  ///< of one without a transaction
  std::string error;
  std::string accepted_at;  ///< when a person said that a difference is meant; empty: nobody has
  std::string accepted_by;
};

/// Which migrations to list.
struct MigrationsFilter {
  std::string project;  ///< empty: of all, but for pgsluice's own schema
  std::size_t count = 0;
  std::optional<std::int64_t> before;  ///< only those that were begun before this one
};

/// Newest first.
asio::awaitable<std::vector<MigrationEntry>> list_migrations(pg::Connection& on,
                                                             MigrationsFilter filter);

}  // namespace sluice::ledger
