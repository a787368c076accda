#pragma once

#include <cstdint>
#include <vector>

namespace sluice::sniff {

/// How numbers are spread: counted in bins of one width, which is the least power of two by which
/// there are at most 64. It depends on the numbers alone, not on their order, so that parts can be
/// put together.
class Histogram {
 public:
  /// REQUIRES: no NaN, no infinity.
  void add(double number);
  void merge(const Histogram& other);

  bool empty() const { return counts_.empty(); }
  /// The same in bars of one width between two numbers, between which all of them are. A bin that
  /// more than one bar is in is shared out.
  std::vector<std::uint64_t> bars(double from, double to, std::size_t count) const;

 private:
  static constexpr std::int64_t bins = 64;

  void widen();
  std::uint64_t& count_at(std::int64_t bin) {
    return counts_[static_cast<std::size_t>(bin & (bins - 1))];
  }
  std::uint64_t count_at(std::int64_t bin) const {
    return counts_[static_cast<std::size_t>(bin & (bins - 1))];
  }

  static constexpr int exponent_min = -20;
  int exponent_ = exponent_min;  ///< the width is two to the power of this
  double scale_ = 1 << -exponent_min;
  std::int64_t first_ = 0;  ///< the bins that are used: a bin's number is its lower end, in widths
  std::int64_t last_ = 0;
  std::vector<std::uint64_t> counts_;  ///< by the number's last bits; empty: no number yet
};

}  // namespace sluice::sniff
