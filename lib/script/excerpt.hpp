#pragma once

#include <string>
#include <string_view>

namespace sluice::script {

/// A statement as a message shows it: its first lines, each behind a line end and indented.
std::string excerpt(std::string_view statement);

}  // namespace sluice::script
