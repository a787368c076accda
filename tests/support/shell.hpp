#pragma once

#include <libpq-fe.h>

#include <string>

#include "support/process.hpp"

namespace sluice::test {

/// A command as somebody types it into a shell: pgsluice and psql are found, and the server and a
/// database of it are those that they ask without being told.
Finished shell(const std::string& command, const std::string& folder, PGconn* server,
               const std::string& database);

}  // namespace sluice::test
