#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sniff/column.hpp"
#include "sniff/dialect.hpp"
#include "sniff/effort.hpp"
#include "sniff/naming.hpp"
#include "source/source.hpp"
#include "tuple/new_table.hpp"
#include "tuple/value_rules.hpp"

namespace sluice::sniff {

struct ProposedColumn {
  std::string name;  ///< as the header has it, or column1
  Column seen;
};

/// What a file is, and how it would be loaded.
struct Proposal {
  Readings readings;
  std::vector<std::string> first;  ///< the values of the first record that is usual
  bool has_header = false;
  std::string header_doubt;  ///< empty: it is certain
  std::vector<ProposedColumn> columns;
  std::uint64_t records = 0;  ///< without the header
  std::uint64_t misfits = 0;  ///< of these: with another number of values, or unreadable
  std::uint64_t first_misfit_line = 0;
  std::uint64_t bytes = 0;
  std::string encoding;  ///< that it was converted from; empty: none
  /// Where text begins that is no UTF-8, and what it may be instead.
  struct NotUtf8 {
    std::uint64_t byte = 0;
    std::vector<std::string> likely;
  };
  std::optional<NotUtf8> not_utf8;
  /// The first records that are usual, as a load would read them; a long value is cut short.
  std::vector<std::vector<std::optional<std::string>>> first_rows;
  bool drops_surplus = false;  ///< cells beside the columns, which are all empty

  const Reading& reading() const { return readings.all.front(); }
};

/// What a source's beginning says, without columns; it can be read from its first byte afterwards.
/// Blocking. Throws Failure where the source cannot be read, or not twice.
Proposal find_out(source::Source& source, const Known& known = {});

/// Reads a source to its end: its dialect from its beginning, its types from all of it. Blocking.
/// Throws Failure where the source cannot be read.
Proposal inspect(source::Source& source, const Known& known = {}, const Effort& effort = {});

/// Of the flags of `load` those that say how records are read.
std::vector<std::string> dialect_flags_of(const Proposal& proposal);

/// The same with what it takes for its columns to be called so in the table.
std::vector<std::string> reading_flags_of(const Proposal& proposal,
                                          const std::vector<std::string>& names);

/// Of each column the type that keeps all its values, beside the others: some flags are for all.
std::vector<ColumnType> types_of(const std::vector<ProposedColumn>& columns);
std::vector<ColumnType> types_of(const Proposal& proposal);

/// What a load has to be told of the values of columns of these types, which have these names.
tuple::ValueWishes wishes_of(const std::vector<ColumnType>& types,
                             const std::vector<std::string>& names);

/// Columns of these types and names: NOT NULL where no value is missing.
tuple::NewTable table_of(const std::vector<ProposedColumn>& columns,
                         const std::vector<ColumnType>& types,
                         const std::vector<std::string>& names);

/// Wishes about values as flags of `load`.
std::vector<std::string> flags_of(const tuple::ValueWishes& values);

/// The flags of `load` that this needs beside the file and the table, each one word of a shell that
/// is not quoted yet.
std::vector<std::string> flags_of(const Proposal& proposal, Naming naming = Naming::keep);

/// CREATE TABLE with the types that keep all values. `table` is as in SQL.
std::string create_table(const Proposal& proposal, const std::string& table,
                         Naming naming = Naming::keep);

/// The columns as that table names them: different ones.
std::vector<std::string> column_names(const Proposal& proposal, Naming naming);

/// The same for names of a file, beside names that are `taken`.
std::vector<std::string> column_names(const std::vector<std::string>& names, Naming naming,
                                      std::set<std::string> taken = {});

}  // namespace sluice::sniff
