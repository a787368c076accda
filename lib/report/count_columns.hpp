#pragma once

#include <string>
#include <vector>

#include "base/row_counts.hpp"

namespace sluice::report {

/// A column of a list of loads that is only shown where one of them has such rows.
struct CountColumn {
  const char* head;
  std::uint64_t RowCounts::* count;
};

/// Adds to `shown` the columns for what is not 0 here, in their order, each once.
void show_counts(const RowCounts& counts, std::vector<CountColumn>& shown);

// A part of a line, with two spaces behind each column.
std::string heads_of(const std::vector<CountColumn>& shown);
std::string cells_of(const std::vector<CountColumn>& shown, const RowCounts& counts);
/// ... of what has no counts.
std::string dashes_of(const std::vector<CountColumn>& shown);

}  // namespace sluice::report
