#pragma once

#include <string>
#include <vector>

#include "base/row_counts.hpp"
#include "pg/connection.hpp"
#include "tuple/table.hpp"

namespace sluice::writer {

/// What becomes of a record whose key is in the table.
enum class OnConflict {
  error,    ///< the server refuses it, as always
  nothing,  ///< the row stays
  update,   ///< the row takes the record's values
};

/// Which of several records with the same key counts.
enum class Dedupe { first, last, error };

/// INSERT ... ON CONFLICT from a table that holds records: the target's columns that the source
/// names, and `record_column`.
struct Merge {
  OnConflict on_conflict = OnConflict::error;
  Dedupe dedupe = Dedupe::last;
  std::vector<std::string> key;
  std::vector<std::string> update_columns;
  bool only_if_changed = false;  ///< leaves rows alone that are equal to their record
  bool nulls_are_equal = false;  ///< keys with a NULL can be equal
};

/// The column of a staging table that says which record of the source a row was.
inline constexpr const char* record_column = "pgsluice_record";

/// The statement; its result is read by read_merged(). `from` is quoted as in SQL.
/// `keys_may_repeat`: the staging table may have a key more than once.
std::string merge_statement(const tuple::Table& target, const std::vector<std::string>& columns,
                            const Merge& merge, const std::string& from, bool keys_may_repeat);

/// What became of so many staged records.
RowCounts read_merged(const Merge& merge, const pg::Result& row, std::uint64_t staged);

/// A unique index that ON CONFLICT can be about: no expressions, not partial, not deferrable.
struct UniqueKey {
  std::vector<std::string> columns;
  std::vector<bool> collates_bytewise;  ///< a column's equal values have equal bytes, as far as the
                                        ///< collation goes
  bool is_primary = false;
  bool nulls_are_equal = false;
};

/// Those of a table, the primary key first.
asio::awaitable<std::vector<UniqueKey>> unique_keys(pg::Connection& on, const tuple::Table& table);

}  // namespace sluice::writer
