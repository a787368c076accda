#pragma once

#include <nlohmann/json.hpp>

#include "script/plan.hpp"

namespace sluice::app {

/// How `migrate status` shows one file.
nlohmann::ordered_json json_of(const script::Status& status);
void print_status(const script::Status& status);

}  // namespace sluice::app
