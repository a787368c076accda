#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "migrate/find_history.hpp"
#include "migrate/options.hpp"
#include "migrate/session.hpp"
#include "script/plan.hpp"

/// What `pgsluice migrate` does: each function is one command. They block; a Stop ends them.
namespace sluice::migrate {

/// What `up` did.
struct Report {
  std::size_t applied = 0;
  std::vector<std::string> not_tried;  ///< of a dry run: files that cannot be rolled back
};

/// Applies what is pending, one runner at a time. Throws Failure{changed} for drift, before
/// anything runs; {held} when another one holds the lock for too long; {interrupted}.
Report up(const script::Folder& folder, const Options& options, const Listener& listener,
          const Stop& stop);

/// Runs one file now, whatever the history says, and records nothing.
void run_file(const script::Script& script, const Options& options, const Listener& listener,
              const Stop& stop);

/// Records that what `name` (a version, or a repeatable file's name) says now is right, or that it
/// is gone; its version stays taken. Returns what was done, as a sentence. Throws Failure{usage}
/// where nothing is wrong with it, and for another file under its version.
std::string accept(const script::Folder& folder, const Options& options, const std::string& name,
                   const Stop& stop);

/// Records that what was applied lies where the search_path leads now.
std::string accept_search_path(const script::Folder& folder, const Options& options,
                               const Stop& stop);

/// Removes what failed half-way from the history, so that it runs from its beginning.
std::string forget(const script::Folder& folder, const Options& options, const std::string& name,
                   const Stop& stop);

/// Records that everything up to this version is in the database already.
std::string baseline(const script::Folder& folder, const Options& options, std::uint64_t version,
                     const Stop& stop);

/// Makes an empty migration in the style of those in the folder, and returns its path. `now` gives
/// the version where versions are times.
std::string new_script(const std::string& folder, const std::string& name,
                       std::chrono::system_clock::time_point now);

}  // namespace sluice::migrate
