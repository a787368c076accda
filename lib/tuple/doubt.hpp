#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "tuple/table.hpp"

namespace sluice::tuple {

/// What tells that the server will probably refuse a value that has a binary form: `varchar(5)`,
/// `numeric(4,2)`. Such a record takes the slow lane, where the server judges it beside few others
/// instead of in the middle of many: a refusal ends the whole COPY. It is a guess about speed; no
/// value is refused for it.
struct Doubt {
  enum class Kind : std::uint8_t { none, characters, digits, bits };

  /// A value of no more bytes is beyond doubt.
  std::uint32_t size_sure = std::numeric_limits<std::uint32_t>::max();
  Kind kind = Kind::none;
  std::int32_t scale = 0;  ///< of numeric

  /// REQUIRES: text.size() > size_sure.
  bool about(std::string_view text) const;
};

/// The doubt about values of a type with a modifier.
Doubt doubt_of(const Type& type);

}  // namespace sluice::tuple
