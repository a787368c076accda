#pragma once

#include <string>

namespace sluice::pg {

/// Which version runs: "libpq 17.2".
std::string library();

}  // namespace sluice::pg
