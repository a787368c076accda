#pragma once

#include <string>
#include <vector>

#include "pg/connection.hpp"
#include "tuple/table.hpp"

namespace sluice::writer {

/// An index that a table can do without while rows go in.
struct Index {
  std::string name;  ///< schema and name, quoted as in SQL
  /// Statements that build it as it is: tablespace, storage parameters, comment, statistics
  /// targets, clustering. Names in it are found with search_path = pg_catalog.
  std::string definition;
};

/// The indexes of a table that guard nothing: neither unique nor an exclusion constraint, not the
/// replica identity, not a part of a partitioned index, and valid.
asio::awaitable<std::vector<Index>> secondary_indexes(pg::Connection& on,
                                                      const tuple::Table& table);

}  // namespace sluice::writer
