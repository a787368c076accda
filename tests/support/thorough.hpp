#pragma once

#include <cstddef>
#include <cstdlib>

namespace sluice::test {

/// The suite ends within the hour: where a fault may come at hundreds of places it takes every n-th
/// of them. With PGSLUICE_TEST_THOROUGH=1 it takes all.
inline std::size_t every(std::size_t nth) {
  return std::getenv("PGSLUICE_TEST_THOROUGH") == nullptr ? nth : 1;
}

/// Says true of every n-th. For loops in loops: an n that has no divisor with theirs in common
/// comes by all values of each.
class Sample {
 public:
  explicit Sample(std::size_t nth) : nth_(every(nth)) {}
  bool takes() { return count_++ % nth_ == 0; }

 private:
  std::size_t nth_;
  std::size_t count_ = 0;
};

}  // namespace sluice::test
