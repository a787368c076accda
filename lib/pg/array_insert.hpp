#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/sql.hpp"
#include "pg/parameter.hpp"

namespace sluice::pg {

/// `insert into T (a, b) values ($1, $2)` for many rows at once: the server takes an array for each
/// parameter for less than a statement for each row (docs/benchmarks, INSERT).
class ArrayInsert {
 public:
  /// So many rows are worth the question for the types.
  static constexpr std::size_t rows_min = 50;

  /// Nothing for all but that form: other expressions, RETURNING, ON CONFLICT, comments.
  static std::optional<ArrayInsert> of(std::string_view statement);

  std::size_t parameters() const { return parameters_; }

  /// A query of one row for each parameter: the oid of its type's arrays, as the server takes the
  /// statement; 0 where there are none, or a comma does not part their elements.
  Sql types_query() const;

  /// The statement for arrays of these types.
  std::string statement() const;

 private:
  std::string statement_;  ///< as it was given
  std::string target_;     ///< of it: the table, and the columns in parentheses where it has them
  std::size_t parameters_ = 0;
};

/// Rows as one row of arrays, in text form.
class ArraysOfRows {
 public:
  explicit ArraysOfRows(std::size_t parameters);

  /// REQUIRES: as many values as there are parameters.
  void add(const Row& row);
  std::size_t rows() const { return rows_; }
  std::size_t bytes() const { return bytes_; }

  /// The arrays, and begins anew.
  Row take();

 private:
  std::vector<std::string> arrays_;  ///< what is between the braces
  std::size_t rows_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace sluice::pg
