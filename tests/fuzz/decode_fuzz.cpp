// Bytes that no packer has written, through each decoder, and through what recognises packed bytes
// and archives and reads them, under AddressSanitizer. Beyond not crashing it holds what the rest
// of the program builds on:
//   - a decoder always goes on, ends, or says why not;
//   - what comes out, and how it ends, is the same for every split of input and output;
//   - memory stays within what is allowed.
// The first byte of an input chooses the decoder; the next two how it is split.

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "decode/bzip2.hpp"
#include "decode/gzip.hpp"
#include "decode/lz4.hpp"
#include "decode/xz.hpp"
#include "decode/zstd.hpp"
#include "source/packing.hpp"
#include "source/recognised_source.hpp"
#include "unit/chunked.hpp"

namespace {

using namespace sluice;
using namespace sluice::source;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

constexpr std::size_t memory_max = 8 * limits::MiB;
/// A bomb is no finding.
constexpr std::size_t made_max = 4 * limits::MiB;

std::unique_ptr<decode::Decoder> decoder_of(unsigned choice) {
  switch (choice) {
    case 0: return decode::gzip();
    case 1: return decode::gzip_by_zlib();
    case 2: return decode::zstd(memory_max);
    case 3: return decode::lz4();
    case 4: return decode::xz(memory_max, 1);
    default: return decode::bzip2();
  }
}

struct Unpacked {
  std::string text;
  bool is_whole = false;
  bool is_refused = false;
};

Unpacked unpack(decode::Decoder& decoder, std::string_view packed, std::size_t in_bytes,
                std::size_t out_bytes) {
  Unpacked result;
  std::vector<char> out(out_bytes);
  std::size_t at = 0;
  std::string piece;
  std::string_view waiting;
  try {
    while (result.text.size() < made_max) {
      if (waiting.empty()) {
        // In memory of its own, so that what is behind it is not there.
        piece = std::string(packed.substr(at, in_bytes));
        at += piece.size();
        waiting = piece;
      }
      const bool is_last = at == packed.size();
      const decode::Step done = decoder.step(waiting, out, is_last);
      require(done.taken <= waiting.size() && done.made <= out.size(), "a step stays in its room");
      waiting.remove_prefix(done.taken);
      result.text.append(out.data(), done.made);
      if (done.taken > 0 || done.made > 0) continue;
      require(waiting.empty(), "a decoder goes on, ends, or says why not");
      if (is_last) break;
    }
    result.is_whole = decoder.is_complete();
  } catch (const decode::Defect&) {
    result.is_refused = true;
  }
  return result;
}

/// As a load would read it, in pieces of so many bytes.
Unpacked read_as_source(const std::string& packed, std::size_t out_bytes) {
  Unpacked result;
  UnpackOptions options;
  options.memory_max = memory_max;
  options.bytes_max = made_max;
  try {
    RecognisedSource source(std::make_unique<test::MemorySource>(packed), options);
    std::string some(out_bytes, '\0');
    for (;;) {
      const std::size_t got = source.read(some.data(), some.size());
      require(got <= some.size(), "a read stays in its room");
      result.text.append(some, 0, got);
      if (got < some.size()) break;
    }
    result.is_whole = true;
  } catch (const Failure&) {
    result.is_refused = true;
  }
  return result;
}

void check_source(const std::string& packed, std::size_t out_bytes) {
  const Unpacked whole = read_as_source(packed, 1 << 16);
  const Unpacked split = read_as_source(packed, out_bytes);
  require(whole.is_whole == split.is_whole, "how a source ends does not depend on the reads");
  if (whole.is_whole) require(whole.text == split.text, "what a source gives is the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::string packed(reinterpret_cast<const char*>(data + 3), size - 3);
  constexpr unsigned decoders = 6;
  if (data[0] % (decoders + 1) == decoders) {
    check_source(packed, data[2] + std::size_t{1});
    return 0;
  }
  const auto one = decoder_of(data[0] % (decoders + 1));
  const auto other = decoder_of(data[0] % (decoders + 1));
  const Unpacked whole = unpack(*one, packed, packed.size() + 1, 1 << 16);
  if (whole.text.size() >= made_max) return 0;
  const Unpacked split = unpack(*other, packed, data[1] + std::size_t{1}, data[2] + std::size_t{1});
  require(whole.is_whole == split.is_whole && whole.is_refused == split.is_refused,
          "how it ends does not depend on the split");
  // Of what is refused, some more may have come out before.
  if (!whole.is_refused) require(whole.text == split.text, "what comes out is the same");
  return 0;
}
