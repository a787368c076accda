#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "sniff/together.hpp"

namespace sluice::report {

/// What inspect says of several files that go into this table (as in SQL): whether they are of one
/// shape, where they differ, CREATE TABLE for all, and the commands that load them.
std::string text_of(const sniff::Together& files, const std::string& table);
nlohmann::ordered_json json_of(const sniff::Together& files, const std::string& table);

/// The table that takes all of them.
std::string create_table(const sniff::Together& files, const std::string& table);

}  // namespace sluice::report
