#pragma once

#include <string>
#include <vector>

#include "migrate/options.hpp"
#include "migrate/scratch.hpp"
#include "script/script.hpp"

namespace sluice::migrate {

/// One file instead of several.
struct Squash {
  std::string path;
  std::string text;
  std::vector<std::string> replaced;  ///< paths, also of ways back
};

/// Builds the files of a folder up to a version into a database of its own, and makes one file of
/// what is there then, rows too; that one is built as well, and must come to the same. Nothing is
/// written. Throws Failure{usage} for a version that is none, and for files of which a dump does
/// not know all; {failed} where one cannot be built.
Squash squash(const script::Folder& folder, const script::Version& to, const DumpProgram& dump,
              const Options& options, const Listener& listener, const Stop& stop);

}  // namespace sluice::migrate
