#pragma once

#include <functional>
#include <string>
#include <vector>

#include "migrate/options.hpp"

namespace sluice::migrate {

/// How pg_dump is called for the target.
struct DumpProgram {
  std::string program = "pg_dump";
  /// NAME=value: the connection, which may hold a password and so stands on no command line.
  std::vector<std::string> environment;
};

/// The schema of the target as SQL. Throws Failure with what the program says.
std::string dump_schema(const DumpProgram& dump, const Options& options, const Stop& stop);

/// Makes a database of its own beside the target, with its schema and without its rows, hands over
/// the connection, and drops it, whatever comes. Throws Failure where the user may not make one.
/// What of the schema cannot be made there is told as a note.
void with_scratch(const DumpProgram& dump, const Options& options, const Listener& listener,
                  const Stop& stop, const std::function<void(const std::string& conninfo)>& use);

}  // namespace sluice::migrate
