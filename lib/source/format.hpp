#pragma once

#include <string>
#include <string_view>

namespace sluice::source {

/// Throws Failure(usage) where the first bytes say that what comes is no text in UTF-8 or an
/// encoding that has ASCII in it: it is UTF-16, another program's format, or packed in a way that
/// is not read. It says what to do. `name` is the source's.
void require_text(std::string_view beginning, const std::string& name);

}  // namespace sluice::source
