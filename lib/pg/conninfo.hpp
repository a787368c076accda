#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pg/connection.hpp"

namespace sluice::pg {

using Keywords = std::vector<std::pair<std::string, std::string>>;

/// What libpq is told, for PQconnectStartParams: a later keyword wins, and `dbname` stands for all
/// that its URI or conninfo string holds. Throws Failure{usage} for one that cannot be read:
/// libpq's own words would quote it, with the password.
Keywords keywords_of(const ConnectOptions& options);

/// The same as one conninfo string, for a library that takes no other and connects by itself, with
/// a time for that. It holds the password, if there is one: never print it.
std::string conninfo(const ConnectOptions& options);

/// What the user said and nothing else, where a URI or a conninfo string is taken apart.
Keywords given_values(const ConnectOptions& options);

/// What the user said and nothing else, as one conninfo string, for another process of this
/// program. It may hold secrets (password, sslpassword, options): it belongs into an environment,
/// never on a command line.
std::string given_conninfo(const ConnectOptions& options);

/// The same for a process whose sessions are begun as another role that the user is a member of,
/// and go back to that one: "set role" in the connection's own settings.
std::string given_conninfo(const ConnectOptions& options, const std::string& role);

}  // namespace sluice::pg
