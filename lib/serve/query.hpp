#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::serve {

/// What stands behind the ? of an address, in its order.
using Query = std::vector<std::pair<std::string, std::string>>;

/// A text of digits alone; nothing for another, and for what is larger than a bigint.
std::optional<std::int64_t> digits_of(std::string_view text);

/// The number that is given there by that name. Throws Refused where it is none from 1 to `most`.
std::int64_t number_of(const std::string& name, const std::string& value, std::int64_t most);

}  // namespace sluice::serve
