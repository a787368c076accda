#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice::serve {

/// What stands behind the ? of an address, in its order.
using Query = std::vector<std::pair<std::string, std::string>>;

/// The number that is given there by that name. Throws Refused where it is none from 1 to `most`.
std::int64_t number_of(const std::string& name, const std::string& value, std::int64_t most);

}  // namespace sluice::serve
