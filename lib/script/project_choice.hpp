#pragma once

#include <string>
#include <vector>

#include "base/project.hpp"
#include "script/history.hpp"
#include "script/script.hpp"

namespace sluice::script {

/// Which history is a folder's.
struct ProjectChoice {
  std::string project;
  History history;          ///< of that project
  bool takes_over = false;  ///< entries of before projects had names, which become this one's
  std::string note;         ///< what is to be said of it; empty: nothing
};

/// Decides among all entries of a database. A project that somebody has named is that one. One that
/// goes by a folder's place is what the files say: the project by which they were applied, wherever
/// they lie now, so that a checkout and a container do not run them twice. Entries that an older
/// version has left belong to the first project whose files they are. Throws Failure{changed} where
/// more than one could be meant.
ProjectChoice choose_project(const Project& wanted, const Folder& folder, History all);

/// Whether all of a search_path says where, or its first schema: of one schema among many the rest
/// is the connection's own path.
enum class Whole { all_of_it, first_alone };

/// Throws Failure{changed} if a project was applied elsewhere: its files would make nothing here.
void check_search_path(const ProjectChoice& choice, const std::string& here,
                       Whole whole = Whole::all_of_it);

}  // namespace sluice::script
