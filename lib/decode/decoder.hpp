#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice::decode {

/// Why packed bytes cannot be unpacked. what() is the end of a sentence about the source.
class Defect : public std::runtime_error {
 public:
  enum class Kind {
    damaged,  ///< they are not what a packer has written
    memory,   ///< more memory is needed than is allowed; what() says how much
  };

  Defect(Kind kind, const std::string& what) : std::runtime_error(what), kind_(kind) {}
  static Defect damaged(const std::string& what) { return {Kind::damaged, what}; }
  static Defect checksum() {
    return damaged("what it unpacks to is not what was packed (the checksums differ)");
  }
  static Defect memory(std::uint64_t needed, std::uint64_t allowed);

  Kind kind() const noexcept { return kind_; }

  /// Where it was met, about: so many bytes behind the beginning of the step's input.
  std::size_t at() const noexcept { return at_; }
  Defect behind(std::size_t bytes) const {
    Defect further = *this;
    further.at_ += bytes;
    return further;
  }

 private:
  Kind kind_;
  std::size_t at_ = 0;
};

/// What one step came to.
struct Step {
  std::size_t taken = 0;  ///< bytes of the input
  std::size_t made = 0;   ///< bytes of the output
};

/// Makes the bytes that were packed out of packed ones. Pure: it is fed with any split of its input
/// and fills an output of any size; what it makes is the same for each.
class Decoder {
 public:
  virtual ~Decoder() = default;

  /// Takes from the front of `in` and puts what comes of it into `out`. Where it neither takes nor
  /// makes anything it wants more input, or more room. `is_last`: nothing comes behind `in`.
  /// Throws Defect, also for what stands behind the end and is not zeros.
  virtual Step step(std::string_view in, std::span<char> out, bool is_last) = 0;

  /// Whether the input may end here: each member that was begun is whole, its checksums agree, and
  /// all of it has gone out.
  virtual bool is_complete() const = 0;

  /// What it has allocated, about.
  virtual std::size_t memory_bytes() const = 0;
};

}  // namespace sluice::decode
