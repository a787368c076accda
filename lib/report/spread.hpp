#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sniff/proposal.hpp"

namespace sluice::report {

/// How the values of columns are spread, a line each: numbers, dates and times as bars from the
/// smallest to the largest, few different values as how often each is there. For a terminal so many
/// columns wide; empty where there is nothing to see.
std::string spread_text(const sniff::Proposal& proposal,
                        const std::vector<sniff::ColumnType>& types, std::size_t screen_columns);

/// The same of one column in numbers: few_values and histogram, where there are such.
nlohmann::ordered_json spread_json(const sniff::Column& column, const sniff::ColumnType& type);

}  // namespace sluice::report
