#pragma once

#include <cstddef>
#include <cstdlib>

namespace sluice::test {

/// The suite ends within the hour: where a fault may come at hundreds of places it takes every n-th
/// of them. With PGSLUICE_TEST_THOROUGH=1 it takes all.
inline std::size_t every(std::size_t nth) {
  return std::getenv("PGSLUICE_TEST_THOROUGH") == nullptr ? nth : 1;
}

}  // namespace sluice::test
