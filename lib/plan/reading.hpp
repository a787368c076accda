#pragma once

#include <map>
#include <string>

#include "tuple/encoder.hpp"
#include "tuple/table.hpp"

namespace sluice::plan {

/// Of the settings that decide how a text becomes a value (writer::Target::reading), those that do
/// so for the columns that are fed: a load goes on with the same ones alone.
std::map<std::string, std::string> settings_that_read(
    const tuple::Mapping& mapping, const tuple::Table& table,
    const std::map<std::string, std::string>& all);

}  // namespace sluice::plan
