#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::serve {

/// Takes what a field has up to that character, which no quotes hide, and the character with it.
std::string_view take_part(std::string_view& field, char separator);

/// What stands behind the first ';' of a header's field, as `; charset=utf-8; name="a; b"`: names
/// in small letters, values without their quotes, in its order.
/// https://www.rfc-editor.org/rfc/rfc9110#section-5.6.6
std::vector<std::pair<std::string, std::string>> parameters_of(std::string_view field);

}  // namespace sluice::serve
