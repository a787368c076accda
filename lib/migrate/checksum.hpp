#pragma once

#include <string>
#include <string_view>

namespace sluice::migrate {

/// SHA-256 in hexadecimal, 64 characters.
std::string sha256(std::string_view text);

}  // namespace sluice::migrate
