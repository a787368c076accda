#pragma once

#include <optional>
#include <string>

/// Whose migrations and jobs these are: applications that share a database have a project each.
/// Equal versions and equal names of jobs in two projects have nothing to do with each other.
namespace sluice {

inline constexpr const char* default_project = "default";

struct Project {
  std::string name = default_project;
  bool is_given = false;  ///< somebody has written it: it means this one and no other
  std::string origin;     ///< what says so, for people
};

/// Throws Failure{usage} for a name that can be none. `where` is what a message begins with.
Project given_project(const std::string& name, const std::string& where);

/// What holds where nobody names one: the place of a folder, or of a configuration, in its
/// repository. That is the same in all checkouts, whatever they are called. The root, its
/// sql/migrations, and what lies in no repository (a container) are `default_project`.
Project project_of_place(const std::string& path);

/// The pgsluice.toml in this folder or the nearest one above it. Above the repository, or the
/// working folder where there is none, nobody's file is asked: it could be a stranger's.
std::optional<std::string> nearest_configuration(const std::string& folder);

}  // namespace sluice
