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

/// What it is called for.
struct DumpWish {
  std::vector<std::string> arguments;
  std::string who;  ///< what messages begin with: "--scratch: "
};

/// What it writes to its stdout. Throws Failure with what the program says.
std::string dumped(const DumpProgram& dump, const DumpWish& wish, const Options& options,
                   const Stop& stop);

/// Why a database is made, for messages.
struct ScratchWords {
  std::string who;     ///< what they begin with: "--scratch: "
  std::string advice;  ///< for a user who may make none
};

/// Makes an empty database of its own on the server that `options` leads to, with the encoding and
/// the locale of the database there, hands over the connection, and drops it, whatever comes; what
/// runs that were killed have left, it drops with a note.
/// Nobody else may connect to it but superusers. Throws Failure where the user may not make one.
void with_empty_scratch(const ScratchWords& words, const Options& options, const Listener& listener,
                        const Stop& stop,
                        const std::function<void(const std::string& conninfo)>& use);

/// The same with the target's schema, and without its rows. What of the schema cannot be made there
/// is told as a note.
void with_scratch(const DumpProgram& dump, const Options& options, const Listener& listener,
                  const Stop& stop, const std::function<void(const std::string& conninfo)>& use);

}  // namespace sluice::migrate
