#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

#include "decode/gzip.hpp"
#include "decode/members.hpp"

namespace sluice::decode {
namespace {

class GzipByZlib final : public Members {
 public:
  GzipByZlib() {
    // 15: the largest window, 32 KiB; 16 more: gzip's frame and no other (zlib.h, inflateInit2).
    if (::inflateInit2(&stream_, 15 + 16) != Z_OK) throw std::bad_alloc();
  }
  GzipByZlib(const GzipByZlib&) = delete;
  GzipByZlib& operator=(const GzipByZlib&) = delete;
  ~GzipByZlib() override { ::inflateEnd(&stream_); }

  /// zlib.h: about 7 KiB beside the window.
  std::size_t memory_bytes() const override { return (32 + 8) * std::size_t{1024}; }

 private:
  void begin() override { ::inflateReset(&stream_); }

  MemberStep go_on(std::string_view in, std::span<char> out, bool) override {
    constexpr std::size_t most = std::numeric_limits<uInt>::max();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(std::min(in.size(), most));
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(std::min(out.size(), most));
    const uInt given = stream_.avail_in;
    const uInt room = stream_.avail_out;
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    // Z_BUF_ERROR: no progress was possible.
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      throw Defect::damaged("it is not gzip, or not what was packed: " +
                            std::string(stream_.msg == nullptr ? "no gzip" : stream_.msg))
          .behind(given - stream_.avail_in);
    MemberStep done;
    done.taken = given - stream_.avail_in;
    done.made = room - stream_.avail_out;
    done.ended = result == Z_STREAM_END;
    return done;
  }

  z_stream stream_{};
};

}  // namespace

std::unique_ptr<Decoder> gzip_by_zlib() { return std::make_unique<GzipByZlib>(); }

}  // namespace sluice::decode
