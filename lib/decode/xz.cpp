#include "decode/xz.hpp"

#include <lzma.h>

#include <new>

namespace sluice::decode {
namespace {

class Xz final : public Decoder {
 public:
  Xz(std::uint64_t memory_max, unsigned threads) : memory_max_(memory_max) {
    lzma_mt options{};
    // Without CONCATENATED it ends silently behind the first stream. Without a check that the
    // library knows, damage would pass.
    options.flags = LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK;
    options.threads = threads;
    // Blocks of xz -T0 are 24 MiB, and each takes twice that for a thread of its own.
    options.memlimit_threading = memory_max / 8;
    options.memlimit_stop = memory_max;
    if (::lzma_stream_decoder_mt(&stream_, &options) != LZMA_OK) throw std::bad_alloc();
  }
  Xz(const Xz&) = delete;
  Xz& operator=(const Xz&) = delete;
  ~Xz() override { ::lzma_end(&stream_); }

  Step step(std::string_view in, std::span<char> out, bool is_last) override {
    if (is_complete_) return {};
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    stream_.avail_in = in.size();
    stream_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    stream_.avail_out = out.size();
    lzma_ret result = LZMA_OK;
    Step done;
    // One call may do nothing, as its threads are at work; the second one that does nothing is
    // LZMA_BUF_ERROR. LZMA_FINISH may be said only where nothing more comes.
    do {
      result = ::lzma_code(&stream_, is_last ? LZMA_FINISH : LZMA_RUN);
      done = {in.size() - stream_.avail_in, out.size() - stream_.avail_out};
    } while (result == LZMA_OK && done.taken == 0 && done.made == 0);
    is_complete_ = result == LZMA_STREAM_END;
    if (result != LZMA_OK && result != LZMA_STREAM_END && result != LZMA_BUF_ERROR)
      throw defect_of(result).behind(done.taken);
    return done;
  }

  bool is_complete() const override { return is_complete_; }

  std::size_t memory_bytes() const override {
    return static_cast<std::size_t>(::lzma_memusage(&stream_));
  }

 private:
  /// The library does not tell, but goes on where it was once enough is allowed.
  std::uint64_t memory_needed() {
    lzma_ret result = LZMA_MEMLIMIT_ERROR;
    std::uint64_t allowed = memory_max_;
    stream_.avail_in = stream_.avail_out = 0;
    while (result == LZMA_MEMLIMIT_ERROR && allowed < UINT64_MAX / 2) {
      allowed += allowed / 4 + 1;
      ::lzma_memlimit_set(&stream_, allowed);
      result = ::lzma_code(&stream_, LZMA_RUN);
    }
    return allowed;
  }

  Defect defect_of(lzma_ret result) {
    switch (result) {
      case LZMA_MEM_ERROR: throw std::bad_alloc();
      case LZMA_MEMLIMIT_ERROR: return Defect::memory(memory_needed(), memory_max_);
      case LZMA_FORMAT_ERROR: return Defect::damaged("it is not what xz writes");
      case LZMA_OPTIONS_ERROR: return Defect::damaged("it uses what the xz library does not know");
      case LZMA_UNSUPPORTED_CHECK:
        return Defect::damaged("its checksum is of a kind that the xz library does not know");
      default:
        return Defect::damaged(
            "it is not what was packed, or other bytes stand behind its last stream");
    }
  }

  lzma_stream stream_ = LZMA_STREAM_INIT;
  std::uint64_t memory_max_;
  bool is_complete_ = false;
};

}  // namespace

std::unique_ptr<Decoder> xz(std::uint64_t memory_max, unsigned threads) {
  return std::make_unique<Xz>(memory_max, threads);
}

}  // namespace sluice::decode
