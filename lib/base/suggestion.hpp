#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// The known word that a mistyped one most likely means, if one is near enough.
std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace sluice
