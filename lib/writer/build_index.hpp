#pragma once

#include <string>

#include "ledger/deferred_indexes.hpp"
#include "pg/connection.hpp"

namespace sluice::writer {

/// What became of an index that is to be built again.
struct BuiltIndex {
  enum class Kind {
    built,
    was_there,  ///< the table has one of that name, or somebody else has built it meanwhile
    refused,    ///< it cannot be built, and stays in the journal
  };
  Kind kind = Kind::built;
  std::string reason;  ///< of refused: a message for a person
};

/// Builds an index again as it was, on the table that it was taken from, and takes it out of the
/// journal, in one transaction. `settings` are statements, each with "; " behind it. Throws PgError
/// where trying again may help.
///
/// The row of the journal is what somebody wrote into a table. So nothing of it is run unless who
/// wrote it has the rights of the table's owner; then one CREATE INDEX on that table, with the
/// owner's rights, and the index must be what the row says.
asio::awaitable<BuiltIndex> build_index(pg::Connection& on, ledger::DeferredIndex index,
                                        Sql settings);

}  // namespace sluice::writer
