#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tuple/rewriting.hpp"

namespace sluice::tuple {

/// Words that are true or false, whatever their case.
struct BooleanRule {
  std::vector<std::string> trues;   ///< in lower case, sorted
  std::vector<std::string> falses;  ///< the same
  /// One of them is the opposite to the server, so that what it would say of other texts is no
  /// guide.
  bool contradicts_server = false;

  Rewriting rewrite(std::string_view text) const;
  std::string why_refused() const;
};

/// From pairs as --booleans has them: TRUE,FALSE. Throws Failure(usage).
BooleanRule boolean_rule_of(const std::vector<std::string>& pairs);

}  // namespace sluice::tuple
