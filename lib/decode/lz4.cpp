#include "decode/lz4.hpp"

#include <lz4.h>
#include <lz4frame.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "base/limits.hpp"
#include "decode/members.hpp"

namespace sluice::decode {
namespace {

constexpr std::size_t magic_bytes = 4;
constexpr std::uint32_t frame_magic = 0x184D2204;
constexpr std::uint32_t legacy_magic = 0x184C2102;
constexpr std::uint32_t skippable_magic = 0x184D2A50;
constexpr std::uint32_t skippable_mask = 0xFFFFFFF0;

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < magic_bytes; ++i)
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return value;
}

struct FreeLz4 {
  void operator()(LZ4F_dctx* context) const { ::LZ4F_freeDecompressionContext(context); }
};

/// Blocks of the legacy format: each has its packed size in front of it, and makes 8 MiB but for
/// the last one. Nothing says where they end but the end of the input, or another magic number
/// (lz4_Frame_format.md, "Legacy frame").
class LegacyBlocks {
 public:
  static constexpr std::size_t block_bytes = 8 * limits::MiB;

  Step step(std::string_view in, std::span<char> out) {
    Step done;
    done.taken = take(in);
    done.made = std::min(out.size(), made_ - given_);
    std::memcpy(out.data(), block_.data() + given_, done.made);
    given_ += done.made;
    return done;
  }
  /// Behind the last block, which is short, fewer zeros than a size has may stand too.
  bool is_between() const {
    if (given_ != made_) return false;
    const bool is_behind_last = made_ < block_bytes && !block_.empty();
    return packed_.empty() ||
           (is_behind_last && packed_.find_first_not_of('\0') == std::string::npos);
  }
  /// A size that no block has, and no magic number.
  bool is_at_padding() const {
    return given_ == made_ && packed_.size() == magic_bytes && little_endian(packed_) == 0;
  }
  /// A size that no block has is the magic number of what follows.
  bool is_at_other_frame() const {
    return given_ == made_ && packed_.size() == magic_bytes && little_endian(packed_) > size_max();
  }
  std::string take_magic() { return std::exchange(packed_, {}); }

 private:
  static std::uint32_t size_max() {
    return static_cast<std::uint32_t>(::LZ4_compressBound(static_cast<int>(block_bytes)));
  }

  /// Up to a whole block, of which what it makes is not given yet.
  std::size_t take(std::string_view in) {
    std::size_t taken = 0;
    while (given_ == made_ && !is_at_other_frame() && !is_at_padding()) {
      const bool has_size = packed_.size() >= magic_bytes;
      const std::size_t wanted = magic_bytes + (has_size ? little_endian(packed_) : 0);
      const std::size_t more = std::min(in.size(), wanted - packed_.size());
      packed_ += in.substr(0, more);
      in.remove_prefix(more);
      taken += more;
      if (packed_.size() < wanted) break;
      if (has_size) unpack();
    }
    return taken;
  }

  void unpack() {
    block_.resize(block_bytes);
    const int made = ::LZ4_decompress_safe(packed_.data() + magic_bytes, block_.data(),
                                           static_cast<int>(packed_.size() - magic_bytes),
                                           static_cast<int>(block_bytes));
    if (made < 0) throw Defect::damaged("a block of it is not what lz4 writes");
    made_ = static_cast<std::size_t>(made);
    given_ = 0;
    packed_.clear();
  }

  std::string packed_;  ///< of the block under way, with its size
  std::string block_;
  std::size_t made_ = 0;  ///< of the block
  std::size_t given_ = 0;
};

class Lz4 final : public Decoder {
 public:
  Lz4() {
    LZ4F_dctx* context = nullptr;
    if (::LZ4F_isError(::LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) != 0)
      throw std::bad_alloc();
    context_.reset(context);
  }

  Step step(std::string_view in, std::span<char> out, bool) override {
    Step all;
    for (;;) {
      const Step done = step_within(in.substr(all.taken), out.subspan(all.made));
      all.taken += done.taken;
      all.made += done.made;
      const bool is_stuck = done.taken == 0 && done.made == 0;
      if (is_stuck || all.taken == in.size() || all.made == out.size()) return all;
    }
  }

  bool is_complete() const override {
    if (where_ == Where::legacy) return legacy_.is_between();
    return magic_.empty() && (where_ == Where::between || where_ == Where::padding) && !is_first_;
  }

  /// Two blocks of the largest size, 4 MiB, or of the legacy format's.
  std::size_t memory_bytes() const override { return 2 * LegacyBlocks::block_bytes; }

 private:
  enum class Where { between, frame, legacy, padding };

  Step step_within(std::string_view in, std::span<char> out) {
    switch (where_) {
      case Where::between: return begin(in);
      case Where::frame: return go_on(in, out);
      case Where::legacy: return go_on_in_legacy(in, out);
      case Where::padding: return skip_padding(in);
    }
    return {};
  }

  static Step skip_padding(std::string_view in) {
    if (in.find_first_not_of('\0') != std::string_view::npos)
      throw Defect::damaged("other bytes stand behind the zeros that fill it up");
    return {in.size(), 0};
  }

  /// Gathers a magic number, which decides what follows.
  Step begin(std::string_view in) {
    if (!is_first_ && magic_.empty() && in.starts_with('\0')) {
      where_ = Where::padding;
      return skip_padding(in);
    }
    const std::size_t more = std::min(in.size(), magic_bytes - magic_.size());
    magic_ += in.substr(0, more);
    if (magic_.size() == magic_bytes) enter();
    return {more, 0};
  }

  void enter() {
    const std::uint32_t magic = little_endian(magic_);
    if (magic == legacy_magic) {
      where_ = Where::legacy;
      magic_.clear();
      legacy_ = LegacyBlocks();
      is_first_ = false;
      return;
    }
    if (magic != frame_magic && (magic & skippable_mask) != skippable_magic) {
      throw Defect::damaged(
          is_first_ ? "it is not lz4"
                    : "what stands behind its last whole frame is neither a frame nor zeros");
    }
    where_ = Where::frame;
    // The library wants the magic number too.
    ::LZ4F_resetDecompressionContext(context_.get());
    const std::string bytes = std::exchange(magic_, {});
    go_on(bytes, {});
  }

  Step go_on(std::string_view in, std::span<char> out) {
    std::size_t taken = in.size();
    std::size_t made = out.size();
    const std::size_t result =
        ::LZ4F_decompress(context_.get(), out.data(), &made, in.data(), &taken, nullptr);
    if (::LZ4F_isError(result) != 0)
      throw Defect::damaged("it is not what lz4 writes, or not what was packed: " +
                            std::string(::LZ4F_getErrorName(result)));
    if (result == 0) {
      where_ = Where::between;
      is_first_ = false;
    }
    return {taken, made};
  }

  Step go_on_in_legacy(std::string_view in, std::span<char> out) {
    const Step done = legacy_.step(in, out);
    if (legacy_.is_at_padding()) {
      where_ = Where::padding;
      return done;
    }
    if (!legacy_.is_at_other_frame()) return done;
    magic_ = legacy_.take_magic();
    enter();
    return done;
  }

  std::unique_ptr<LZ4F_dctx, FreeLz4> context_;
  Where where_ = Where::between;
  bool is_first_ = true;
  std::string magic_;
  LegacyBlocks legacy_;
};

}  // namespace

std::unique_ptr<Decoder> lz4() { return std::make_unique<Lz4>(); }

}  // namespace sluice::decode
