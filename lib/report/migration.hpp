#pragma once

#include <nlohmann/json.hpp>

#include "ledger/migrations.hpp"

namespace sluice::report {

/// As `migrate status` shows one, by what the database knows of it.
nlohmann::ordered_json json_of(const ledger::MigrationEntry& migration);

}  // namespace sluice::report
