#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lint/lint.hpp"
#include "script/script.hpp"

namespace sluice::app {

/// What was found in files.
struct LintedFiles {
  struct Found {
    std::string path;
    lint::Finding finding;
  };
  std::vector<Found> found;
  std::size_t files = 0;

  std::size_t count(lint::Level level) const;
};

/// In the order in which they run. Throws Failure{usage} for an allow directive that says nothing
/// known, and for a file that is too long.
LintedFiles lint_scripts(const std::vector<const script::Script*>& scripts,
                         const lint::Options& options);

}  // namespace sluice::app
