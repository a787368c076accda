#pragma once

#include "migrate/options.hpp"
#include "migrate/session.hpp"
#include "script/plan.hpp"
#include "script/project_choice.hpp"

namespace sluice::migrate {

/// What the database knows of a folder.
struct Found {
  script::ProjectChoice choice;
  std::string search_path;  ///< here: the schemas in which the files' names are looked for
  Sql next_setting;         ///< see script::Home
  /// The database does not say yet whose its entries are, or where they were applied.
  bool is_to_be_adopted = false;

  const script::History& history() const { return choice.history; }
  script::Home home() const {
    return {.project = choice.project, .search_path = search_path, .next_setting = next_setting};
  }
};

/// Asks; nothing is changed. An empty folder asks for the wanted project itself. Throws
/// Failure{changed} as choose_project() and check_search_path() do.
Found find_history(Session& session, const script::Folder& folder, const Options& options);
Found find_history(const script::Folder& folder, const Options& options, const Stop& stop);

/// The same without a look at where it was applied.
Found find_history_anywhere(Session& session, const script::Folder& folder, const Options& options);

/// Of one schema among many, which can go while a file runs, so that what it makes then lies
/// elsewhere: a statement that fails where it has, in the user's path. Empty where there is but
/// one.
Sql schema_is_there(const Options& options);

/// Stores whose the entries are, and where they were applied. REQUIRES: the project's lock.
void adopt(Session& session, const Found& found);

}  // namespace sluice::migrate
