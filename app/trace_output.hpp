#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "migrate/trace.hpp"

namespace sluice::app {

/// For people. Locks that keep nobody from reading and writing, as those of UPDATE, are left out.
std::string text_of(const std::vector<migrate::TracedFile>& files);
nlohmann::ordered_json json_of(const std::vector<migrate::TracedFile>& files);

}  // namespace sluice::app
