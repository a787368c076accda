#pragma once

#include <cstdint>
#include <optional>

#include "app/cli.hpp"
#include "ledger/loads.hpp"
#include "pg/pool.hpp"

namespace sluice::app {

/// What `loads rejects` is asked for.
struct RejectsFlags {
  std::optional<std::int64_t> id;
  bool reasons = false;
};

/// Adds it to `loads`.
void add_rejects_command(CLI::App& loads, CommonOptions& common, RejectsFlags& flags);

/// Writes to stdout what a load with --rejects-table has left. Throws Failure where that is not
/// where its bad records went.
asio::awaitable<void> print_rejects(pg::Pool& pool, const ledger::LoadEntry& load,
                                    const RejectsFlags& flags);

}  // namespace sluice::app
