#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chunk/preamble.hpp"
#include "tuple/value_rules.hpp"

namespace sluice::sniff {

/// Whether the server surely refuses this text, with no blanks around it, for that type
/// (pg_type.oid), whatever the settings of the session are. False in doubt, and of types that are
/// not known here.
bool is_surely_other(std::string_view text, std::uint32_t type);

/// What is known of a column that is to be looked at.
struct TypedColumn {
  std::uint32_t type = 0;        ///< pg_type.oid; 0: it is not looked at
  tuple::FieldRules rules = {};  ///< what of it is NULL
};

/// Of a column's values at the beginning of a source.
struct OtherValues {
  std::uint64_t values = 0;  ///< that are any
  std::uint64_t others = 0;  ///< of these: surely none of the column's type
  std::string first;         ///< of those

  /// More than bad records would be: three at least, and one in ten.
  bool are_usual() const { return others >= 3 && others * 10 >= values; }
};

/// Of each of the source's columns, in the records that were read with its preamble.
std::vector<OtherValues> other_values(const chunk::Preamble& preamble,
                                      const std::vector<TypedColumn>& columns);

}  // namespace sluice::sniff
