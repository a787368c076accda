#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::lint {

/// Which tables a statement locks so that others wait to read or write.
struct StatementLocks {
  bool is_known = false;            ///< there are no others
  std::vector<std::string> tables;  ///< as they are written
};

/// As far as the statement says it by itself.
StatementLocks locks_of(std::string_view statement);

/// What `migrate lint` says to write instead of this statement alone; empty: nothing.
std::string safer_of(std::string_view statement);

}  // namespace sluice::lint
