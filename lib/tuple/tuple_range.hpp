#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tuple/batch.hpp"

namespace sluice::tuple {

/// Some tuples of a lane, as one COPY takes them: their bytes stay where they are, between the
/// format's header and trailer.
struct TupleRange {
  LaneName lane = LaneName::fast;
  std::uint64_t tuples = 0;
  std::array<std::string_view, 3> pieces;  ///< text: the first; binary: header, tuples, trailer
  bool keys_may_repeat = true;
  bool keys_are_rising = false;
};

/// All tuples of a lane.
TupleRange whole(const Batch& batch, LaneName lane);

/// The tuples of batches of one plan as one batch, in their order; it has no keys.
Batch together(const std::vector<const Batch*>& batches);

/// A copy of the text tuples of a batch's slow lane but for those with these numbers, in rising
/// order from 0; its fast lane is empty.
Batch slow_without(const Batch& batch, const std::vector<std::uint64_t>& numbers);

/// Cuts ranges out of a lane without encoding anything again. It remembers where the last one
/// began: ranges that go forward are cheap.
class TupleCutter {
 public:
  /// `batch` must outlive the cutter and what it cuts.
  TupleCutter(const Batch& batch, LaneName lane);

  /// Tuples [first, end), from 0. REQUIRES: first <= end <= the lane's tuples.
  TupleRange cut(std::uint64_t first, std::uint64_t end);

 private:
  std::size_t begin() const;
  std::size_t walk(std::size_t offset, std::uint64_t tuples) const;

  const Lane& lane_;
  LaneName name_;
  std::uint64_t at_tuple_ = 0;
  std::size_t at_offset_;
};

namespace binary_format {
// https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format": signature, flags,
// extension length; then a field count of -1.
inline constexpr std::string_view header{"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19};
inline constexpr std::string_view trailer{"\377\377", 2};
}  // namespace binary_format

}  // namespace sluice::tuple
