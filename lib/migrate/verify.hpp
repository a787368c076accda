#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "migrate/options.hpp"
#include "migrate/schema_objects.hpp"
#include "script/script.hpp"

namespace sluice::migrate {

struct VerifyWish {
  bool only_builds = false;  ///< nothing is compared, and the target's history is not read
  /// The server that the database is made on is another one, where a file may do what it likes.
  std::optional<std::string> elsewhere;
};

/// What came of it.
struct Verified {
  std::size_t built = 0;                ///< files
  std::vector<std::string> pending;     ///< in the target: built too, but not compared
  std::vector<SchemaDifference> found;  ///< `one` is what the files make, `other` the target
};

/// Builds all files of a folder into a database of its own, from nothing, and compares what comes
/// of those that the target has with the target. Throws Failure{changed} where files and history
/// differ, and {failed} for a file that cannot be built.
Verified verify(const script::Folder& folder, const Options& options, const VerifyWish& wish,
                const Listener& listener, const Stop& stop);

}  // namespace sluice::migrate
