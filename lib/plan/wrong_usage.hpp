#pragma once

#include <string>

#include "base/failure.hpp"

namespace sluice::plan {

/// Flags that do not go with each other, the file or the table; as Failure says.
inline Failure wrong_usage(const std::string& problem, const std::string& advice = "") {
  return {FailureKind::usage, problem, advice};
}

}  // namespace sluice::plan
