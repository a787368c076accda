#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pg/connection.hpp"

namespace sluice::pg {

using Keywords = std::vector<std::pair<std::string, std::string>>;

/// What libpq is told, for PQconnectStartParams: a later keyword wins, and `dbname` stands for all
/// that its URI or conninfo string holds.
Keywords keywords_of(const ConnectOptions& options);

/// The same as one conninfo string, for a library that takes no other and connects by itself, with
/// a time for that. It holds the password, if there is one: never print it. Throws PgError{phase
/// connect} for a URI that cannot be read.
std::string conninfo(const ConnectOptions& options);

/// The same for another process's command line: the password goes into its environment.
struct PublicConninfo {
  std::string conninfo;
  std::string password;
};
PublicConninfo public_conninfo(const ConnectOptions& options);

}  // namespace sluice::pg
