#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/position.hpp"
#include "base/sql.hpp"
#include "pg/connection.hpp"

/// The journal of indexes that are dropped while a load runs (--defer-indexes).
namespace sluice::ledger {

/// An index that a load drops, as the journal keeps it. Texts of SQL are as the server says them
/// with search_path = pg_catalog, so that every name outside pg_catalog is qualified.
struct IndexDefinition {
  std::string index_name;  ///< schema and name, quoted as in SQL
  std::string name;
  std::string target_schema;
  std::string target_name;
  std::string statement;   ///< CREATE INDEX, without what follows here
  std::string tablespace;  ///< empty: the database's
  std::string statistics;  ///< "column:target column:target"
  std::string extensions;  ///< that it depends on: an array in text form
  std::optional<std::string> description;
  bool is_clustered = false;
  std::vector<std::string> wide_columns;  ///< whose values can be too long for it
  std::size_t wide_bytes = 0;             ///< of these together, that it certainly takes
};

/// An index that is missing.
struct DeferredIndex {
  LoadId load;
  std::string name;  ///< schema and name, quoted as in SQL
  std::vector<std::string> wide_columns;
  std::size_t wide_bytes = 0;
};

/// The table that a load is for.
struct TargetTable {
  std::uint32_t oid = 0;
  std::string schema;
  std::string name;
};

/// What a row of the journal says, and what is to be known before anything of it is run.
struct JournalEntry {
  std::string statement;  ///< CREATE INDEX on the table as it is called today; empty where the row
                          ///< has no such thing
  std::string body;       ///< ... of it what follows the table's name
  Sql alterations;        ///< statements, each with "; " behind it: what CREATE INDEX does not say
  std::string tablespace;
  std::string definition;    ///< as it stands in the row, whatever that is
  std::string target;        ///< the table as it was called then
  std::uint32_t table = 0;   ///< the table of today; 0: it is gone
  std::string table_name;    ///< schema and name, quoted as in SQL
  std::string owner;         ///< the table's
  std::string journaled_by;  ///< empty: not known
  bool is_trusted = false;   ///< who wrote the row has the rights of the table's owner
  bool may_become_owner = false;
  /// The owner has the rights of the session's user: what is run as the owner may then become the
  /// session's user again (RESET ROLE) without a gain.
  bool owner_has_our_rights = false;
  enum class There { nothing, the_index, another_index, something_else };
  There there = There::nothing;  ///< what has the index's name today
};

/// SQL of type text that says whose oids those of this database are.
Sql origin_expression();

/// Statements, each with "; " behind it, that enter an index in the journal and drop it. `load` is
/// SQL for the load's number.
Sql defer_statements(const Sql& load, std::uint32_t target_oid, const IndexDefinition& index);

/// SQL for the number of the load that this transaction has just entered. A subquery, because a
/// volatile function would be asked for each row of a table, and no index used.
inline constexpr SqlWords this_load = "(select currval('pgsluice.loads_load_id_seq'))";

/// What of a load is still missing.
asio::awaitable<std::vector<DeferredIndex>> missing_indexes(pg::Connection& on, LoadId load);

/// What of a table is still missing and nobody else's to build: of `load`, and of loads that are
/// over.
asio::awaitable<std::vector<DeferredIndex>> missing_indexes(pg::Connection& on, TargetTable table,
                                                            LoadId load);

/// Reads a row and locks it for the transaction, which is open with search_path = pg_catalog: a
/// second one who comes for it waits, and then finds nothing.
asio::awaitable<std::optional<JournalEntry>> lock_entry(pg::Connection& on, DeferredIndex index);

/// The statement that takes a row out of the journal.
Sql strike_statement(const DeferredIndex& index);

}  // namespace sluice::ledger
