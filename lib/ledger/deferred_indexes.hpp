#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/position.hpp"
#include "pg/connection.hpp"

/// The journal of indexes that are dropped while a load runs (--defer-indexes).
namespace sluice::ledger {

struct DeferredIndex {
  LoadId load;
  std::string name;        ///< schema and name, quoted as in SQL
  std::string definition;  ///< statements that build it again
};

/// Statements, each with "; " behind it, that enter an index in the journal and drop it. `load` is
/// SQL for the load's number.
std::string defer_statements(const std::string& load, std::uint32_t target_oid,
                             const std::string& name, const std::string& definition);

/// SQL for the number of the load that this transaction has just entered. A subquery, because a
/// volatile function would be asked for each row of a table, and no index used.
inline constexpr const char* this_load = "(select currval('pgsluice.loads_load_id_seq'))";

/// What of a load is still missing.
asio::awaitable<std::vector<DeferredIndex>> missing_indexes(pg::Connection& on, LoadId load);

/// What of a table is still missing and nobody else's to build: of `load`, and of loads that are
/// over.
asio::awaitable<std::vector<DeferredIndex>> missing_indexes(pg::Connection& on,
                                                            std::uint32_t target_oid, LoadId load);

/// Builds an index again and takes it out of the journal, in one transaction. One that is there
/// already, or that somebody else builds meanwhile, is left as it is. `settings` are statements,
/// each with "; " behind it.
asio::awaitable<void> restore_index(pg::Connection& on, DeferredIndex index, std::string settings);

}  // namespace sluice::ledger
