#include "rejects/splitter.hpp"

#include <algorithm>

namespace sluice::rejects {
namespace {

constexpr std::uint64_t width_min = 64;
constexpr std::uint64_t growth = 4;

}  // namespace

void Splitter::accepted() {
  first_ = end_;
  if (first_ < bad_before_) {
    end_ = named_ ? bad_before_ : first_ + std::max<std::uint64_t>(1, (bad_before_ - first_) / 2);
    return;
  }
  // The one that was named is good, or a range that was refused is taken in pieces.
  if (bad_before_ > 0 && named_) trusts_names_ = false;
  bad_before_ = 0;
  if (width_ > 0) width_ *= growth;
  widen();
}

bool Splitter::refused(std::optional<Range> named) {
  if (end_ - first_ == 1) {
    width_ = std::max(width_min, growth * (first_ - last_bad_));
    last_bad_ = first_++;
    bad_before_ = 0;
    widen();
    return true;
  }
  const bool is_named = trusts_names_ && named && named->first >= first_ &&
                        named->first < named->end && named->end <= end_;
  const Range bad = is_named ? *named : Range{first_, end_};
  named_ = is_named && bad.end - bad.first == 1;
  bad_before_ = bad.end;
  if (bad.first > first_) {
    end_ = bad.first;
  } else {
    end_ = first_ + std::max<std::uint64_t>(1, (bad.end - first_) / 2);
  }
  return false;
}

/// Goes on where nothing is known.
void Splitter::widen() { end_ = width_ == 0 ? tuples_ : std::min(tuples_, first_ + width_); }

}  // namespace sluice::rejects
