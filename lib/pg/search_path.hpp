#pragma once

#include <string_view>

#include "base/sql.hpp"

namespace sluice::pg {

/// The same path as a statement, `set local search_path = "$user", "public"; `, of what
/// current_setting('search_path') says: a list of identifiers, quoted or not. Read as the server
/// reads it (SplitIdentifierString), and quoted again, so that it is a list whatever stands in it.
Sql set_local_path(std::string_view setting);

}  // namespace sluice::pg
