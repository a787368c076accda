#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/names.hpp"
#include "migrate/find_history.hpp"
#include "migrate/options.hpp"
#include "migrate/session.hpp"
#include "migrate/their_history.hpp"
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

/// Takes back what was applied last, each by its way back, under the same lock. Returns how many
/// are; none where it is not agreed to. Throws as up() does, and Failure{usage} for what has no way
/// back.
std::size_t down(const script::Folder& folder, const Options& options, const BackOptions& back,
                 const Listener& listener, const Stop& stop);

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
std::string baseline(const script::Folder& folder, const Options& options,
                     const script::Version& version, const Stop& stop);

/// Whose way of writing a new file is in. golang-migrate and sqlx have a file for each way.
enum class NewStyle {
  plain,
  flyway,
  golang_migrate,
  sqlx,
  goose,
  dbmate,
  sql_migrate,
  node_pg_migrate,
};
constexpr auto names_of(NewStyle) {
  return std::array{Named{NewStyle::plain, "plain"},
                    Named{NewStyle::flyway, "flyway"},
                    Named{NewStyle::golang_migrate, "golang-migrate"},
                    Named{NewStyle::sqlx, "sqlx"},
                    Named{NewStyle::goose, "goose"},
                    Named{NewStyle::dbmate, "dbmate"},
                    Named{NewStyle::sql_migrate, "sql-migrate"},
                    Named{NewStyle::node_pg_migrate, "node-pg-migrate"}};
}

/// How a history that another tool began is taken over.
struct TakenOver {
  TheirTable table;
  script::Adoption adoption;
  bool is_new = false;       ///< not taken over before
  bool is_recorded = false;  ///< just now
};
struct TakeOverOptions {
  TheirWish wish;
  std::optional<script::Version> baseline;      ///< of tools whose files are not read here
  bool accepts = false;                         ///< files that are gone or were edited
  std::function<bool(const TakenOver&)> agree;  ///< asked before anything is recorded
};

/// Records what another tool has applied, in one transaction, and leaves its own history as it is.
/// Throws Failure{usage} where that one is not whole, or this one has begun; {changed} where files
/// are gone or were edited; {held} where it changes meanwhile.
TakenOver take_over(const script::Folder& folder, const Options& options,
                    const TakeOverOptions& take, const Listener& listener, const Stop& stop);

/// Makes an empty migration in a style, or in that of the folder's last file, and returns the paths
/// of its files. `now` gives the version where versions are times.
std::vector<std::string> new_script(const std::string& folder, const std::string& name,
                                    std::optional<NewStyle> style,
                                    std::chrono::system_clock::time_point now);

}  // namespace sluice::migrate
