#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/migrate_flags.hpp"
#include "base/exit_code.hpp"
#include "migrate/migrate.hpp"

namespace sluice::app {

/// How a command of `pgsluice migrate` ended, for one object of JSON.
struct MigrateOutcome {
  int exit_code = exit_ok;
  std::string message;  ///< of a failure
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
};

using MigrateStep = std::function<MigrateOutcome(const MigrateFlags&, const migrate::Options&,
                                                 const migrate::Listener&, const migrate::Stop&)>;

/// A folder that need not be there: without it the history is looked for by its name alone.
script::Folder folder_if_any(const std::string& path);

bool prints_text(const MigrateFlags& flags);
/// What the environment says of the variables that a script has.
void take_variables(const script::Script& script, migrate::Options& options);
void take_variables(const script::Folder& folder, migrate::Options& options);

/// Asks at a terminal whether this is to be done, below a list of what it is about. Elsewhere --yes
/// must have said so: throws Failure{usage}, or {interrupted} where a signal is the answer.
bool is_agreed(const MigrateFlags& flags, const std::string& question,
               const std::vector<std::string>& about, const migrate::Stop& stop);

MigrateOutcome down_step(const MigrateFlags& flags, const migrate::Options& given,
                         const migrate::Listener& listener, const migrate::Stop& stop);
MigrateOutcome adopt_step(const MigrateFlags& flags, const migrate::Options& options,
                          const migrate::Listener& listener, const migrate::Stop& stop);
MigrateOutcome redo_step(const MigrateFlags& flags, const migrate::Options& given,
                         const migrate::Listener& listener, const migrate::Stop& stop);

}  // namespace sluice::app
