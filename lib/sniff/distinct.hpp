#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::sniff {

/// About how many different texts there were: HyperLogLog (Flajolet et al., 2007) with 4,096
/// registers, so 1.6 % of error, and linear counting where there are few.
class Distinct {
 public:
  void add(std::string_view text);
  void merge(const Distinct& other);
  std::uint64_t estimate() const;

 private:
  static constexpr unsigned index_bits = 12;
  static constexpr std::size_t registers = std::size_t{1} << index_bits;
  std::vector<std::uint8_t> longest_;  ///< run of zeros, plus one; empty: there was none
};

}  // namespace sluice::sniff
