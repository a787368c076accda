#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuple/table.hpp"

namespace sluice::tuple {

/// What the user says about which CSV column goes where.
struct MappingOptions {
  std::map<std::string, std::string> renames;  ///< CSV column -> table column
  /// The same as a user writes it (--map): CSV=COLUMN, where either may have a = in it.
  std::vector<std::string> maps;
  std::vector<std::string> skipped;  ///< CSV columns that go nowhere (--skip-column)
  bool ignore_extra = false;         ///< CSV columns that the table lacks are dropped
};

/// Which table column each CSV column feeds.
struct Mapping {
  /// For each CSV column, in file order: index into Table::columns, or nothing for a column that is
  /// ignored.
  std::vector<std::optional<std::size_t>> targets;
  std::vector<std::string> ignored;  ///< names of ignored CSV columns
  /// CSV columns whose name is only like that of the table's column that they go to.
  std::vector<std::pair<std::string, std::string>> alike;
  std::vector<std::string>
      missing;  ///< table columns that the CSV does not name: they take their default
};

/// Whether a text has a = that can stand between two names.
bool is_map(const std::string& text);

/// Maps by name: an exact one first, then one that differs in case alone, then one that is like it
/// (tuple/likeness.hpp) and goes to a column that no other one does. Throws Failure(usage) that
/// lists both sides for a CSV column that the table lacks, one that is named twice, a generated
/// column, and where nothing matches.
Mapping map_by_name(const Table& table, const std::vector<std::string>& names,
                    const MappingOptions& options, std::string_view source_name);

/// What flags say of a CSV column, whose table is not there yet.
struct WantedColumn {
  bool skipped = false;
  std::optional<std::string> renamed;
};
/// ... of each of them. Throws Failure(usage) for a column that the file has not.
std::vector<WantedColumn> wanted_columns(const std::vector<std::string>& names,
                                         const MappingOptions& options,
                                         std::string_view source_name);

/// Maps by position: the table's columns that can take values, in their order.
Mapping map_by_position(const Table& table);

}  // namespace sluice::tuple
