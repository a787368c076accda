#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tuple/rewriting.hpp"
#include "tuple/table.hpp"

namespace sluice::tuple {

/// Numbers with another decimal point, and with something between their thousands.
struct DecimalRule {
  enum class Numbers : std::uint8_t { whole, any, money };

  char decimal = '.';
  std::string thousands;  ///< one character; empty: none
  Numbers numbers = Numbers::any;

  /// REQUIRES: room for text.size() + rewriting_slack bytes at `out`.
  Rewriting rewrite(std::string_view text, char* out) const;
  std::string why_refused() const;
};

/// Which numbers a type has; nothing where it has none.
std::optional<DecimalRule::Numbers> numbers_of(const Type& type);

}  // namespace sluice::tuple
