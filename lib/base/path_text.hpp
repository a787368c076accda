#pragma once

#include <string>

namespace sluice {

/// The name of a file as a text that a database and JSON can keep: the name itself where it is
/// UTF-8; otherwise in the form that a shell reads back, $'n\xff.csv'. path_of_text() gives the
/// name again.
std::string text_of_path(const std::string& path);
std::string path_of_text(const std::string& text);

}  // namespace sluice
