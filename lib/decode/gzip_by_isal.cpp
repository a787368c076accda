#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <limits>

#include "decode/gzip.hpp"
#include "decode/gzip_header.hpp"
#include "decode/members.hpp"

namespace sluice::decode {
namespace {

Defect defect_of(int result) {
  switch (result) {
    case ISAL_INCORRECT_CHECKSUM: return Defect::checksum();
    case ISAL_INVALID_LOOKBACK: return Defect::damaged("it refers to bytes before its beginning");
    default: return Defect::damaged("it is not what gzip writes");
  }
}

/// isal_inflate() returns 0 wherever its input ends, in the middle of a member too, and does not go
/// on behind one: only the state of its block tells. It compares checksums if it is asked to.
class GzipByIsal final : public Members {
 public:
  std::size_t memory_bytes() const override { return sizeof(*state_); }

 private:
  void begin() override {
    header_ = GzipHeader();
    ::isal_inflate_init(state_.get());
    state_->crc_flag = ISAL_GZIP_NO_HDR_VER;
  }

  MemberStep go_on(std::string_view in, std::span<char> out, bool) override {
    const std::size_t of_header = header_.take(in);
    MemberStep done;
    if (header_.is_whole()) done = inflate(in, of_header, out);
    done.taken += of_header;
    return done;
  }

  /// What is in `in` behind its header's bytes.
  MemberStep inflate(std::string_view in, std::size_t of_header, std::span<char> out) {
    in.remove_prefix(of_header);
    constexpr std::size_t most = std::numeric_limits<std::int32_t>::max();
    state_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(in.data()));
    state_->avail_in = static_cast<std::uint32_t>(std::min(in.size(), most));
    state_->next_out = reinterpret_cast<std::uint8_t*>(out.data());
    state_->avail_out = static_cast<std::uint32_t>(std::min(out.size(), most));
    const std::uint32_t given = state_->avail_in;
    const std::uint32_t room = state_->avail_out;
    const int result = ::isal_inflate(state_.get());
    if (result < 0) throw defect_of(result).behind(of_header + given - state_->avail_in);
    MemberStep done;
    done.taken = given - state_->avail_in;
    done.made = room - state_->avail_out;
    done.ended = state_->block_state == ISAL_BLOCK_FINISH;
    return done;
  }

  GzipHeader header_;
  std::unique_ptr<inflate_state> state_ = std::make_unique<inflate_state>();
};

}  // namespace

std::unique_ptr<Decoder> gzip_by_isal() { return std::make_unique<GzipByIsal>(); }

}  // namespace sluice::decode
