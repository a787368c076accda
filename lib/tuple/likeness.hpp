#pragma once

#include <string>
#include <string_view>

namespace sluice::tuple {

/// What names that differ in case, in blanks around them, in _ for a blank, or in how Unicode
/// composes their characters have in common. Text that is no UTF-8 is like itself only.
std::string likeness_of(std::string_view name);

}  // namespace sluice::tuple
