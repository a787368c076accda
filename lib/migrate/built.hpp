#pragma once

#include <functional>
#include <string>

#include "migrate/options.hpp"
#include "script/script.hpp"

namespace sluice::migrate {

/// What a database is like in which files are built from nothing.
struct BuildPlace {
  std::string who;     ///< what messages begin with: "verify: "
  std::string advice;  ///< for a user who may make no database
  /// For files that would change what lies outside of the database; empty: --scratch-url.
  std::string advice_beyond;
  bool is_alone = false;    ///< a server of its own: files may change roles and the like
  std::string search_path;  ///< the setting; empty: what the server has
  std::string schema;       ///< to be made beforehand; empty: none
};

/// Makes an empty database on the server of `options` in which files can be built, hands it over as
/// options, and drops it. Throws Failure{usage} where one of the files would change what lies
/// outside of it.
void with_place_to_build(const BuildPlace& place, const script::Folder& folder,
                         const Options& options, const Listener& listener, const Stop& stop,
                         const std::function<void(const Options& there)>& use);

/// Applies all of the folder there. Returns how many files that were. Throws Failure, with `who` in
/// front, where one fails.
std::size_t build(const script::Folder& folder, const Options& there, const std::string& who,
                  const Listener& listener, const Stop& stop);

}  // namespace sluice::migrate
