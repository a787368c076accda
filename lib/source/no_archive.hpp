#pragma once

#include <string>

#include "base/failure.hpp"

namespace sluice::source {

/// What is said of --member where the source has no members.
inline Failure no_archive(const std::string& name) {
  return {FailureKind::usage, name + ": is no archive, and --member names a file of one",
          "Leave --member out."};
}

}  // namespace sluice::source
