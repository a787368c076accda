#pragma once

#include <string>
#include <vector>

#include "ledger/deferred_indexes.hpp"
#include "pg/connection.hpp"
#include "tuple/table.hpp"

namespace sluice::writer {

/// An index that a table can do without while rows go in.
using Index = ledger::IndexDefinition;

/// The indexes of a table that guard nothing: neither unique nor an exclusion constraint, not the
/// replica identity, not a part of a partitioned index, and valid.
struct SecondaryIndexes {
  std::vector<Index> deferrable;
  /// Those that stay, by schema and name: they could refuse a record, which is to be named then, or
  /// could not be built again with the rights of the table's owner.
  std::vector<std::string> kept;
  /// The role that owns the table, where the user can neither drop its indexes nor become it; then
  /// all are `kept`.
  std::string owner_elsewhere;
};

asio::awaitable<SecondaryIndexes> secondary_indexes(pg::Connection& on, const tuple::Table& table);

}  // namespace sluice::writer
