#pragma once

#include <string>
#include <vector>

#include "csv/dialect.hpp"
#include "tuple/table.hpp"

namespace sluice::plan {

/// Why a header may not match a table, and the flag that helps: another delimiter would make it
/// match, or its names are no UTF-8. Empty where nothing is to be said. `header` is the record as
/// it is in the file, `names` what was read of it.
std::string header_advice(const tuple::Table& table, const csv::Dialect& dialect,
                          const std::string& header, const std::vector<std::string>& names);

}  // namespace sluice::plan
