#pragma once

#include "decode/decoder.hpp"

namespace sluice::decode {

/// A format of which several members may stand one behind the other, as `cat a.gz b.gz` makes them,
/// each unpacked alone. Zeros behind the last one are padding, as tapes and block devices leave it.
class Members : public Decoder {
 public:
  Step step(std::string_view in, std::span<char> out, bool is_last) final;
  bool is_complete() const final { return !is_inside_; }

 protected:
  struct MemberStep : Step {
    bool ended = false;  ///< behind the member's last byte, and all of it has gone out
  };

  /// The next byte is a member's first.
  virtual void begin() = 0;
  /// A step within a member, of which `in` and `out` may be empty. Throws Defect.
  virtual MemberStep go_on(std::string_view in, std::span<char> out, bool is_last) = 0;

 private:
  std::size_t skip_padding(std::string_view in);
  /// `before`: bytes of the step's input that stand in front of `in`.
  MemberStep go_on_or_tell(std::string_view in, std::span<char> out, bool is_last,
                           std::size_t before);

  bool is_inside_ = false;
  bool is_padded_ = false;
  bool is_first_ = true;
  bool has_made_ = false;  ///< the member has
};

}  // namespace sluice::decode
