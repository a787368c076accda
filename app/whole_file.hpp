#pragma once

#include <string>

namespace sluice::app {

/// Puts a text where a file is to be: all of it, on disk, or nothing. It is written beside it, as
/// PATH.pgsluice.tmp; the one that was there leaves it its owner and mode, and a link leads to it
/// as before. What is no file (a device, a pipe) is written to. Throws Failure{failed}; `who` is
/// what its message begins with.
void write_whole_file(const std::string& path, const std::string& text, const std::string& who);

}  // namespace sluice::app
