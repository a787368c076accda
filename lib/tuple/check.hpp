#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tuple/table.hpp"

namespace sluice::tuple {

/// What a CHECK constraint says of one column, as far as it can be told without the server: of a
/// tuple that does not seem to meet it the server will probably say so too. Such a record takes the
/// slow lane, as one that is in doubt does (tuple/doubt.hpp): a guess about speed, and no verdict.
struct Check {
  enum class Of : std::uint8_t {
    integer,  ///< also dates and timestamps, as the binary form counts them
    real,     ///< float4, float8, numeric
    text,
    length,  ///< of a text, in characters
    null,
  };
  enum class Is : std::uint8_t { less, at_most, equal, other, at_least, more, one_of, none_of };

  std::size_t field = 0;  ///< of the tuple, from 0
  std::uint32_t type = 0;
  Of of = Of::null;  ///< null: it must not be
  Is is = Is::other;
  std::int64_t integer = 0;
  double real = 0;
  std::vector<std::string> texts;  ///< in rising order

  /// Whether a value, in its binary form, seems to meet it. NULL does, but where it must not be.
  bool is_met(std::string_view value) const;
};

/// What conditions say of single columns; what else they say is left out. They are as pg_get_expr()
/// writes a CHECK's: `((fare > (0)::numeric) AND (kind = ANY (ARRAY['a'::text, 'b'::text])))`.
/// `columns` are the tuple's, in its order.
std::vector<Check> checks_of(const std::vector<std::string>& conditions, const Table& table,
                             const std::vector<std::string>& columns);

/// Whether a tuple of COPY's binary format seems to meet all of them.
bool are_met(const std::vector<Check>& checks, const char* tuple);

}  // namespace sluice::tuple
