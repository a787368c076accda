#pragma once

#include <string>
#include <vector>

#include "base/names.hpp"
#include "base/row_counts.hpp"
#include "base/sql.hpp"
#include "pg/result.hpp"
#include "tuple/table.hpp"

namespace sluice::writer {

/// What becomes of a record whose key is in the table.
enum class OnConflict {
  error,    ///< the server refuses it, as always
  nothing,  ///< the row stays
  update,   ///< the row takes the record's values
};
constexpr auto names_of(OnConflict) {
  return std::array{Named{OnConflict::error, "error"}, Named{OnConflict::nothing, "nothing"},
                    Named{OnConflict::update, "update"}};
}

/// Which of several records with the same key counts.
enum class Dedupe { first, last, error };
constexpr auto names_of(Dedupe) {
  return std::array{Named{Dedupe::first, "first"}, Named{Dedupe::last, "last"},
                    Named{Dedupe::error, "error"}};
}

/// INSERT ... ON CONFLICT from a table that holds records: the target's columns that the source
/// names, and `record_column`.
///
/// What becomes of the target, and what is counted, is what one INSERT for each record would do, in
/// the order of the file. One statement for all is the same where no record can be refused, changed
/// or dropped for anything but its values' types, or no key comes twice; else a block on the server
/// goes from record to record, at about two thirds of the speed.
struct Merge {
  OnConflict on_conflict = OnConflict::error;
  Dedupe dedupe = Dedupe::last;
  std::vector<std::string> key;
  std::vector<Sql> compared;    ///< UniqueKey::compared
  std::vector<Sql> operators;   ///< UniqueKey::operators
  std::vector<Sql> equalities;  ///< UniqueKey::equalities
  std::vector<std::string> update_columns;
  bool only_if_changed = false;  ///< leaves rows alone that are equal to their record
  bool nulls_are_equal = false;  ///< keys with a NULL can be equal

  /// What becomes of a record may depend on those before it, also where they have other keys. All
  /// others go in the order of their keys, so that transactions wait for each other's rows in one
  /// order.
  bool in_file_order = false;
  bool one_by_one = false;            ///< a trigger sees each record: one statement for each
  bool judges_rows = false;           ///< the target may refuse a record whose values are all good
  std::vector<std::string> not_null;  ///< columns of the source that may not be NULL

  /// The column of the staging table that says which record of the source a row was.
  std::string record_column = "pgsluice_record";

  /// The records of a key go into the target one after the other, and do not stand for each other.
  bool takes_all_in_turn() const {
    return dedupe == (on_conflict == OnConflict::update ? Dedupe::last : Dedupe::first);
  }
};

/// What is known of the records in the staging table.
struct StagedRecords {
  Sql table;
  bool keys_may_repeat = true;
  bool are_sorted = false;  ///< in the order of their keys, each once
};

/// A name that no column has.
std::string free_column_name(const tuple::Table& table);

/// Prepares the session for merge_statement(): "...; ".
Sql merge_preparation();

/// A statement that begins to count: part of merge_statement().
Sql counter_reset();

/// The statements; the last one's result is read by read_merged().
Sql merge_statement(const tuple::Table& target, const std::vector<std::string>& columns,
                    const Merge& merge, const StagedRecords& staged);

/// What became of so many staged records.
RowCounts read_merged(const Merge& merge, const pg::Result& row, std::uint64_t staged);

/// Statements that find the first `count_max` records that the target refuses, in the order of the
/// file: one INSERT for each, where one that refers to a later one has its turn behind it if
/// `may_wait` (in time of the square of those who wait). The last
/// statement gives a row for each: its number, its SQLSTATE, its constraint, the message, its
/// detail, the column and the table that it names. What they store is to be rolled back. An error
/// that is no record's fault is thrown.
Sql find_refused_statement(const tuple::Table& target, const std::vector<std::string>& columns,
                           const Merge& merge, const Sql& from, std::size_t count_max,
                           bool may_wait = true);

/// "k, l" as DISTINCT ON, GROUP BY or PARTITION BY want it: equal as the index sees it, and where
/// `order_of_key` goes with it.
Sql distinct_key(const Merge& merge);
Sql order_of_key(const Merge& merge);

}  // namespace sluice::writer
