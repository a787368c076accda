#pragma once

#include <string>
#include <vector>

#include "base/sql.hpp"
#include "tuple/table.hpp"

namespace sluice::writer {

/// What the server makes of a record: the row that `list` gives for its values, where `condition`
/// is true. Both are SQL of the user's over the file's columns, as they stand in `csv`.
struct Selection {
  tuple::Table csv;                  ///< what the encoder makes tuples for
  std::vector<std::string> outputs;  ///< the target's columns that the list gives, in its order
  Sql list;
  Sql condition;  ///< empty: each record is a row
};

/// What the list calls the file's row, and the fields of a tuple in FROM, of which the record's
/// number is the last one.
inline constexpr SqlWords row_of_file = "csv";
Sql tuple_field(std::size_t number);

/// " where (...)", or nothing. The user's comment ends with the line.
inline Sql where_clause(const Sql& condition) {
  return condition.empty() ? Sql() : sql(" where (\n{}\n)", condition);
}

}  // namespace sluice::writer
