#pragma once

#include <nlohmann/json.hpp>

#include "migrate/plan.hpp"

namespace sluice::app {

/// How `migrate status` shows one file.
nlohmann::ordered_json json_of(const migrate::Status& status);
void print_status(const migrate::Status& status);

}  // namespace sluice::app
