#pragma once

#include <string>

namespace sluice::script {

/// Which version runs: "OpenSSL 3.0.17".
std::string library();

}  // namespace sluice::script
