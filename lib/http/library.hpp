#pragma once

#include <string>

namespace sluice::http {

/// Which version runs: "libcurl 8.14.1". Loads it.
std::string library();

}  // namespace sluice::http
