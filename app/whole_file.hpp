#pragma once

#include <string>

namespace sluice::app {

/// Puts a text where a file is to be: all of it, on disk, or nothing. It is written beside it, as
/// PATH.tmp. Throws Failure{failed}; `who` is what its message begins with.
void write_whole_file(const std::string& path, const std::string& text, const std::string& who);

}  // namespace sluice::app
