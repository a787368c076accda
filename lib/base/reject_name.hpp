#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// Whether a name is one that loads give their rejects: X.rejects.csv, X.rejects.2.csv, the reasons
/// beside them (.jsonl), and either with .tmp behind it while it is written anew.
bool is_reject_name(std::string_view file_name);

/// Whether a file is a load's rejects, by its name or by the reasons that a load has put beside it:
/// --rejects may give it any name. Reads a few bytes.
bool is_reject_file(const std::string& path);

}  // namespace sluice
