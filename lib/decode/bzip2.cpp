#include "decode/bzip2.hpp"

#include <bzlib.h>

#include <algorithm>
#include <limits>
#include <new>

#include "decode/members.hpp"

namespace sluice::decode {
namespace {

class Bzip2 final : public Members {
 public:
  Bzip2() = default;
  Bzip2(const Bzip2&) = delete;
  Bzip2& operator=(const Bzip2&) = delete;
  ~Bzip2() override { end(); }

  /// The manual: four bytes for each of a block's 900,000, and 100 k.
  std::size_t memory_bytes() const override { return 3'700'000; }

 private:
  void begin() override {
    end();
    stream_ = {};
    if (::BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) throw std::bad_alloc();
    is_open_ = true;
  }

  void end() {
    if (is_open_) ::BZ2_bzDecompressEnd(&stream_);
    is_open_ = false;
  }

  MemberStep go_on(std::string_view in, std::span<char> out, bool) override {
    constexpr std::size_t most = std::numeric_limits<int>::max();
    stream_.next_in = const_cast<char*>(in.data());
    stream_.avail_in = static_cast<unsigned>(std::min(in.size(), most));
    stream_.next_out = out.data();
    stream_.avail_out = static_cast<unsigned>(std::min(out.size(), most));
    const unsigned given = stream_.avail_in;
    const unsigned room = stream_.avail_out;
    const int result = ::BZ2_bzDecompress(&stream_);
    if (result == BZ_MEM_ERROR) throw std::bad_alloc();
    // It checks sums of blocks before it gives them out, so what is stored is not damaged.
    if (result != BZ_OK && result != BZ_STREAM_END)
      throw Defect::damaged("it is not what bzip2 writes, or not what was packed")
          .behind(given - stream_.avail_in);
    MemberStep done;
    done.taken = given - stream_.avail_in;
    done.made = room - stream_.avail_out;
    done.ended = result == BZ_STREAM_END;
    return done;
  }

  bz_stream stream_{};
  bool is_open_ = false;
};

}  // namespace

std::unique_ptr<Decoder> bzip2() { return std::make_unique<Bzip2>(); }

}  // namespace sluice::decode
