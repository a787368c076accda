#pragma once

#include <cstddef>
#include <string>

#include "migrate/options.hpp"
#include "migrate/scratch.hpp"
#include "script/script.hpp"

/// The schema of a database as a file, and back.
namespace sluice::migrate {

struct SchemaDump {
  std::string text;
  std::size_t migrations = 0;  ///< of the history
};

/// The target's schema, with who may do what there if that is wanted, and the history of the
/// folder's project; into which tables the folder's files insert is told as a note, as no rows are
/// in it. Throws Failure where a file has not ended, and with what pg_dump says.
SchemaDump dump_schema(const script::Folder& folder, const DumpProgram& dump, bool with_privileges,
                       const Options& options, const Listener& listener, const Stop& stop);

/// Makes a database that has nothing like one that was dumped, with its history, in one
/// transaction. Returns how many migrations that history has. Throws Failure{usage} where the
/// database has something, where the server lacks a role that the file grants to, and for a file
/// without a history.
std::size_t load_schema(const script::Folder& folder, const script::Script& script,
                        const std::string& history, const Options& options,
                        const Listener& listener, const Stop& stop);

}  // namespace sluice::migrate
