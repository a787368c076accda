#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/position.hpp"

namespace sluice::tuple {

/// A record refused, with where and why. Not an error: what becomes of it is the load's policy.
struct Reject {
  Position position;
  std::size_t begin = 0;  ///< offset of the record in its chunk
  std::size_t size = 0;   ///< of the record, without its line end
  std::string column;     ///< empty where the record as a whole is at fault
  std::string value;      ///< as in the file after unquoting; empty with `column`
  std::string sql_state;  ///< what PostgreSQL says to such a record
  std::string constraint;
  std::string message;
  bool ragged = false;  ///< it has too few or too many values
};

}  // namespace sluice::tuple
