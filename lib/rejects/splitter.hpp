#pragma once

#include <cstdint>
#include <optional>

namespace sluice::rejects {

/// Finds the bad ones among many tuples by asking about ranges of them: what to ask next, as a pure
/// state machine. What is accepted stays in; a tuple that is refused alone is the bad one.
///
///   while (!splitter.done()) { ask about range(); accepted() or refused(...); }
///
/// Where the server names a tuple, the ones in front of it are asked about, and then it alone;
/// where it names several, these are halved; where it names none, or has named a wrong one, the
/// whole range is. Behind a bad tuple the ranges begin small and grow fourfold, so that where bad
/// ones are dense little is sent in vain.
class Splitter {
 public:
  explicit Splitter(std::uint64_t tuples) : tuples_(tuples), end_(tuples) {}

  struct Range {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
  };

  bool done() const { return first_ == tuples_; }
  Range range() const { return {first_, end_}; }

  /// The server took range().
  void accepted();

  /// It refused range(), and blames tuples of `named`. Returns true if range() was one tuple: that
  /// is bad, and is passed over.
  bool refused(std::optional<Range> named);

 private:
  void widen();

  std::uint64_t tuples_;
  std::uint64_t first_ = 0;
  std::uint64_t end_;
  std::uint64_t bad_before_ = 0;  ///< there is a bad one in [first_, bad_before_); 0: unknown
  std::uint64_t width_ = 0;       ///< how many to ask about where nothing is known
  std::uint64_t last_bad_ = 0;
  bool named_ = false;  ///< the bad one is said to be bad_before_ - 1
  bool trusts_names_ = true;
};

}  // namespace sluice::rejects
