#include "sniff/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::sniff {
namespace {

/// Below it a double has each whole number, and what is behind its point.
constexpr double whole_max = 4503599627370496.0;  // 2^52

std::int64_t floor_of(double number) {
  const auto whole = static_cast<std::int64_t>(number);
  return static_cast<double>(whole) > number ? whole - 1 : whole;
}

}  // namespace

void Histogram::add(double number) {
  const bool is_first = counts_.empty();
  if (is_first) counts_.resize(bins);
  while (std::abs(number * scale_) >= whole_max) widen();
  std::int64_t bin = floor_of(number * scale_);
  if (is_first) first_ = last_ = bin;
  while (std::max(last_, bin) - std::min(first_, bin) >= bins) {
    widen();
    bin >>= 1;
  }
  first_ = std::min(first_, bin);
  last_ = std::max(last_, bin);
  ++count_at(bin);
}

/// Two neighbours become one.
void Histogram::widen() {
  std::vector<std::uint64_t> old(bins);
  old.swap(counts_);
  for (std::int64_t bin = first_; bin <= last_; ++bin)
    count_at(bin >> 1) += old[static_cast<std::size_t>(bin & (bins - 1))];
  first_ >>= 1;
  last_ >>= 1;
  ++exponent_;
  scale_ = std::ldexp(1.0, -exponent_);
}

void Histogram::merge(const Histogram& other) {
  if (other.empty()) return;
  if (counts_.empty()) {
    *this = other;
    return;
  }
  Histogram more = other;
  while (more.exponent_ < exponent_) more.widen();
  while (exponent_ < more.exponent_) widen();
  while (std::max(last_, more.last_) - std::min(first_, more.first_) >= bins) {
    widen();
    more.widen();
  }
  for (std::int64_t bin = more.first_; bin <= more.last_; ++bin)
    count_at(bin) += more.count_at(bin);
  first_ = std::min(first_, more.first_);
  last_ = std::max(last_, more.last_);
}

std::vector<std::uint64_t> Histogram::bars(double from, double to, std::size_t count) const {
  std::vector<double> shares(count);
  const double width = std::ldexp(1.0, exponent_);
  const double of_bar = (to - from) / static_cast<double>(count);
  for (std::int64_t bin = first_; bin <= last_ && !counts_.empty(); ++bin) {
    // Of a bin that reaches beyond the numbers, what is between them.
    const double begin = std::max(from, static_cast<double>(bin) * width);
    const double end = std::min(to, static_cast<double>(bin + 1) * width);
    const auto times = static_cast<double>(count_at(bin));
    const auto bar_of = [&](double place) {
      const double bar = of_bar > 0 ? (place - from) / of_bar : 0;
      return std::min(count - 1, static_cast<std::size_t>(std::max(0.0, bar)));
    };
    const std::size_t last = bar_of(end);
    for (std::size_t bar = bar_of(begin); bar <= last; ++bar) {
      const double low = std::max(begin, from + of_bar * static_cast<double>(bar));
      const double high = std::min(end, from + of_bar * static_cast<double>(bar + 1));
      shares[bar] += end > begin ? times * std::max(0.0, high - low) / (end - begin)
                                 : (bar == last ? times : 0);
    }
  }
  std::vector<std::uint64_t> bars;
  for (const double share : shares) bars.push_back(static_cast<std::uint64_t>(std::llround(share)));
  return bars;
}

}  // namespace sluice::sniff
