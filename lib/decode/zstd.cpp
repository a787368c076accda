#include "decode/zstd.hpp"

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <new>
#include <optional>

#include "decode/members.hpp"

namespace sluice::decode {
namespace {

struct FreeZstd {
  void operator()(ZSTD_DCtx* context) const { ::ZSTD_freeDCtx(context); }
};

/// The first bytes of a frame, in which its window is told (RFC 8878, 3.1.1.1).
class FrameHeader {
 public:
  void add(std::string_view bytes) {
    const std::size_t more = std::min(bytes.size(), bytes_.size() - size_);
    std::copy_n(bytes.begin(), more, bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += more;
  }

  /// Nothing as long as bytes are missing; 0 for a frame that is skipped.
  std::optional<std::uint64_t> window() const {
    if (size_ < 5) return std::nullopt;
    if ((at(0) & 0xf0U) == 0x50) return 0;
    if (at(0) != 0x28) throw Defect::damaged("it is not zstd");
    const unsigned descriptor = at(4);
    const bool is_single = (descriptor & 0x20U) != 0;
    if (!is_single) return size_ < 6 ? std::nullopt : std::optional(window_of(at(5)));
    // One segment: the window is the content.
    constexpr std::array<std::size_t, 4> sizes_of_dictionary_id{0, 1, 2, 4};
    constexpr std::array<std::size_t, 4> sizes_of_length{1, 2, 4, 8};
    const std::size_t from = 5 + sizes_of_dictionary_id[descriptor & 3U];
    const std::size_t bytes = sizes_of_length[descriptor >> 6U];
    if (size_ < from + bytes) return std::nullopt;
    std::uint64_t length = bytes == 2 ? 256 : 0;
    for (std::size_t i = 0; i < bytes; ++i)
      length += static_cast<std::uint64_t>(at(from + i)) << (8 * i);
    return length;
  }

 private:
  static std::uint64_t window_of(unsigned descriptor) {
    const std::uint64_t base = std::uint64_t{1} << (10 + (descriptor >> 3U));
    return base + base / 8 * (descriptor & 7U);
  }
  unsigned at(std::size_t place) const { return static_cast<unsigned char>(bytes_[place]); }

  std::array<char, 18> bytes_{};  // the longest header
  std::size_t size_ = 0;
};

class Zstd final : public Members {
 public:
  explicit Zstd(std::uint64_t memory_max) : memory_max_(memory_max) {
    if (!context_) throw std::bad_alloc();
    // Ours is the limit that counts: the library's own is a power of two.
    const ZSTD_bounds bounds = ::ZSTD_dParam_getBounds(ZSTD_d_windowLogMax);
    ::ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, bounds.upperBound);
  }

  /// Window, a block in front and behind it, tables.
  std::size_t memory_bytes() const override {
    constexpr std::size_t beside = 512 * std::size_t{1024};
    return static_cast<std::size_t>(window_) + beside;
  }

 private:
  void begin() override {
    ::ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    header_ = FrameHeader();
    is_judged_ = false;
  }

  MemberStep go_on(std::string_view in, std::span<char> out, bool) override {
    require_memory(in);
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t result = ::ZSTD_decompressStream(context_.get(), &to, &from);
    if (::ZSTD_isError(result) != 0) throw defect_of(result).behind(from.pos);
    MemberStep done;
    done.taken = from.pos;
    done.made = to.pos;
    done.ended = result == 0;
    return done;
  }

  /// Before the library allocates it. The library may leave bytes of `in` that are seen here again.
  void require_memory(std::string_view in) {
    if (is_judged_) return;
    FrameHeader seen = header_;
    seen.add(in);
    const std::optional<std::uint64_t> window = seen.window();
    // Without a whole header the library takes all that there is of it.
    if (!window) header_ = seen;
    if (!window) return;
    is_judged_ = true;
    window_ = *window;
    if (window_ > memory_max_) throw Defect::memory(window_, memory_max_);
  }

  static Defect defect_of(std::size_t result) {
    const ZSTD_ErrorCode code = ::ZSTD_getErrorCode(result);
    if (code == ZSTD_error_memory_allocation) throw std::bad_alloc();
    if (code == ZSTD_error_checksum_wrong) return Defect::checksum();
    if (code == ZSTD_error_dictionary_wrong)
      return Defect::damaged("it was packed with a dictionary, which is not in it");
    return Defect::damaged("it is not what zstd writes: " +
                           std::string(::ZSTD_getErrorName(result)));
  }

  std::uint64_t memory_max_;
  std::unique_ptr<ZSTD_DCtx, FreeZstd> context_{::ZSTD_createDCtx()};
  FrameHeader header_;
  bool is_judged_ = false;
  std::uint64_t window_ = 0;
};

}  // namespace

std::unique_ptr<Decoder> zstd(std::uint64_t memory_max) {
  return std::make_unique<Zstd>(memory_max);
}

}  // namespace sluice::decode
