#pragma once

#include <string>
#include <vector>

#include "script/script.hpp"

namespace sluice::script {

/// Into which tables the files of a folder insert (INSERT INTO, COPY ... FROM), as each names it
/// first, with the file in parentheses. What functions and DO do is not seen.
std::vector<std::string> filled_tables(const Folder& folder);

}  // namespace sluice::script
