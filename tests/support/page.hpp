#pragma once

#include <libpq-fe.h>

#include <string>

#include "support/files.hpp"

namespace sluice::test {

/// A page of the docs up to a line, from its top: ```file NAME is written into a folder, ```sql is
/// run, and of a block without a name each line that begins with "$ " is run by a shell there,
/// whose output has the lines below it. "= 2" is its exit code, where that is not 0; "…" is
/// anything. Other blocks are for people. Returns how many commands were run.
int run_page(const std::string& path, const std::string& end, PGconn* server);

}  // namespace sluice::test
