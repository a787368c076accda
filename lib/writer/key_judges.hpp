#pragma once

#include <string>
#include <vector>

#include "pg/connection.hpp"
#include "tuple/table.hpp"

namespace sluice::writer {

/// What the keys of a table have against records, as SQL over their key columns alone: a key that
/// is in the table, or comes twice, and a reference to a row that is not there. An opinion: the
/// table itself has the last word.
struct KeyJudges {
  std::vector<std::string> columns;  ///< that any of them looks at, each once
  struct Judge {
    Sql condition;  ///< over a row pgsluice_staged; empty: it is about keys that come twice
    Sql repeated;   ///< PARTITION BY of records that have one key
  };
  std::vector<Judge> judges;

  bool empty() const { return judges.empty(); }
  /// A query of two columns: records, by their numbers in the column `number`, and the place of a
  /// judge that is against each; some of them more than once. `keys` is a table of the key columns
  /// and that one, `asked` says which judges are. REQUIRES: one is.
  Sql suspects_query(const Sql& keys, const std::string& number,
                     const std::vector<bool>& asked) const;
};

/// Those of a table all of whose columns are among these.
asio::awaitable<KeyJudges> key_judges(pg::Connection& on, const tuple::Table& table,
                                      const std::vector<std::string>& fed);

}  // namespace sluice::writer
