#pragma once

#include <string>
#include <string_view>

namespace sluice::serve {

/// A table as SQL reads it: Trips and "trips" are trips.
struct TableName {
  std::string schema;  ///< empty: the one that the search_path finds
  std::string name;

  bool operator==(const TableName&) const = default;
};

/// Throws Refused for what is no name of a table, with or without its schema.
TableName table_name_of(std::string_view text);

/// Whether a pattern means it: "sales.*", "raw.trips_*". One without a schema means the name in
/// any schema. `*` means all.
bool matches(std::string_view pattern, const TableName& table);

}  // namespace sluice::serve
