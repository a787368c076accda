#pragma once

#include <string>
#include <vector>

#include "sniff/column.hpp"

namespace sluice::sniff {

struct HeaderFound {
  bool is_there = false;
  std::string doubt;  ///< why that is not certain; empty: it is
};

/// Whether a first record names the columns: by the table's names, where there are any, else by
/// what the records behind it hold, which it does not.
HeaderFound find_header(const std::vector<std::string>& first, const std::vector<Column>& rest,
                        const std::vector<std::string>& names = {});

/// Whether these are mostly names of the table's columns.
bool are_names_of(const std::vector<std::string>& cells, const std::vector<std::string>& names);

}  // namespace sluice::sniff
