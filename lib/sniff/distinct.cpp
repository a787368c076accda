#include "sniff/distinct.hpp"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace sluice::sniff {

void Distinct::add(std::string_view text) {
  if (longest_.empty()) longest_.resize(registers);
  const std::uint64_t hash = XXH3_64bits(text.data(), text.size());
  const std::size_t index = hash >> (64 - index_bits);
  const std::uint64_t rest = (hash << index_bits) | (std::uint64_t{1} << (index_bits - 1));
  const auto run = static_cast<std::uint8_t>(std::countl_zero(rest) + 1);
  longest_[index] = std::max(longest_[index], run);
}

void Distinct::merge(const Distinct& other) {
  if (other.longest_.empty()) return;
  if (longest_.empty()) longest_.resize(registers);
  for (std::size_t i = 0; i < registers; ++i)
    longest_[i] = std::max(longest_[i], other.longest_[i]);
}

std::uint64_t Distinct::estimate() const {
  if (longest_.empty()) return 0;
  static constexpr auto count = static_cast<double>(registers);
  double sum = 0;
  for (const std::uint8_t run : longest_) sum += std::ldexp(1.0, -static_cast<int>(run));
  const double alpha = 0.7213 / (1 + 1.079 / count);
  const double raw = alpha * count * count / sum;
  const auto empty = static_cast<double>(std::ranges::count(longest_, std::uint8_t{0}));
  const bool are_few = raw <= 2.5 * count && empty > 0;
  return static_cast<std::uint64_t>(std::llround(are_few ? count * std::log(count / empty) : raw));
}

}  // namespace sluice::sniff
