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
    Sql condition;  ///< over a row pgsluice_staged; empty: none
    Sql repeated;   ///< what is PARTITION BY of records that have one key; empty: none
  };
  std::vector<Judge> judges;

  bool empty() const { return judges.empty(); }
  /// A query of the records, by their numbers in the column `number`, that one of them is against;
  /// some of them more than once. `keys` is a table of the key columns and that one.
  Sql suspects_query(const Sql& keys, const std::string& number) const;
};

/// Those of a table all of whose columns are among these.
asio::awaitable<KeyJudges> key_judges(pg::Connection& on, const tuple::Table& table,
                                      const std::vector<std::string>& fed);

}  // namespace sluice::writer
