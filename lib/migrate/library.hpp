#pragma once

#include <string>

namespace sluice::migrate {

/// Which version runs: "libpqxx 7.10.0".
std::string library();

}  // namespace sluice::migrate
