#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/connection.hpp"
#include "tuple/table.hpp"

namespace sluice::writer {

/// A unique index that ON CONFLICT can be about: no expressions, not partial, not deferrable; and
/// what else its table does with a record.
///
/// Which keys are equal is for the index to say: by its collation and its operator class, which
/// need not be those of the column.
struct UniqueKey {
  std::vector<std::string> columns;
  /// One for each column: what has the index's collation, and the index's operator behind
  /// `order by`. DISTINCT ON and PARTITION BY that name a column of ORDER BY take equality from
  /// there.
  std::vector<Sql> compared;
  std::vector<Sql> operators;
  /// Conditions, one for each column: a row, as pgsluice_target, and a record, as pgsluice_staged,
  /// are equal in it.
  std::vector<Sql> equalities;
  std::vector<bool> compares_bytes;  ///< equality is the type's own; of texts it is that of bytes
  bool is_primary = false;
  bool nulls_are_equal = false;

  bool is_ambiguous = false;  ///< another index on these columns has another idea of equality
  /// Columns of the other indexes that allow no two equal rows. Where `others_are_unknown` they may
  /// be any.
  std::vector<std::string> columns_of_others;
  bool others_are_unknown = false;

  bool table_has_row_triggers = false;  ///< for INSERT or UPDATE, the partitions' included
  /// Has constraints, references, generated columns or index expressions, which may refuse a record
  /// whose values are all good.
  bool table_judges_rows = false;
  bool table_has_update_rule = false;
};

/// Those of a table, the primary key first.
asio::awaitable<std::vector<UniqueKey>> unique_keys(pg::Connection& on, const tuple::Table& table);

}  // namespace sluice::writer
