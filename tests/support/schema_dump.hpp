#pragma once

#include <string>

namespace sluice::test {

/// What pg_dump says of a database, but for pgsluice's own schema and what differs each time. Empty
/// where the pg_dump that is installed is older than the server.
std::string schema_dump(const std::string& url);

/// The pg_dump that is installed reads that server.
bool can_be_dumped(const std::string& url);

}  // namespace sluice::test
