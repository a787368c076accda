#pragma once

#include <cstdint>
#include <string>

#include "base/sql.hpp"
#include "pg/connection.hpp"

namespace sluice::writer {

/// An index that its table's rows do not let be built.
struct RefusedRow {
  Sql settings;             ///< statements, each with "; " behind it: of the role that builds it
  std::uint32_t table = 0;  ///< pg_class.oid
  std::string table_name;   ///< schema and name, quoted as in SQL
  std::string body;         ///< of CREATE INDEX: what follows the table's name
};

/// The first row that is at fault, with its place and its values, for a person; empty where it
/// cannot be found. Builds the index over copies of parts of the table, halving what is left: all
/// parts together are about as large as the table.
///
/// To read a table is to run what its owner likes: the planner evaluates the expressions of its
/// indexes, and its name may mean a view a moment later. So only a table is read whose owner has
/// the rights of this session's user anyway, and it is proved under a lock, and read by its oid.
asio::awaitable<std::string> find_refused_row(pg::Connection& on, RefusedRow question);

}  // namespace sluice::writer
