#pragma once

#include <string>

namespace sluice::decode {

/// Which version runs: "zlib 1.3.1, zstd 1.5.7, ...".
std::string library();

}  // namespace sluice::decode
