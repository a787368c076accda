#pragma once

#include <string>

#include "pg/connection.hpp"

namespace sluice::writer {

/// SQL for the oid of a table by the user's search_path, null where it is not there; also for one
/// in a schema that the user may not use.
Sql oid_of_table(const std::string& table);

/// "Did you mean sales.orders?" where a table is not there, or its schema is not; empty where no
/// name is like it. `table` is written as in SQL.
asio::awaitable<std::string> likely_table(pg::Connection& on, std::string table);

/// Whether there is no such table, and the schema in which one would be made is there.
asio::awaitable<bool> can_be_made(pg::Connection& on, std::string table);

}  // namespace sluice::writer
