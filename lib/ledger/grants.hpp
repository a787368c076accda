#pragma once

#include <string>
#include <vector>

#include "pg/connection.hpp"

namespace sluice::ledger {

/// What somebody needs of one of our tables.
struct TableRights {
  const char* table;       ///< of the schema pgsluice
  const char* privileges;  ///< "select, update"
};

/// The grants that the user lacks of these, as one text of statements; empty where none is missing.
/// `creates`: also the right to make tables in our schema.
asio::awaitable<std::string> missing_grants(pg::Connection& on, std::vector<TableRights> rights,
                                            bool creates);

/// Throws Failure with the grants that the user lacks of these.
asio::awaitable<void> require_grants(pg::Connection& on, std::vector<TableRights> rights);

}  // namespace sluice::ledger
