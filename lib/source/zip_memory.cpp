#include "source/zip_memory.hpp"

#include <lzma.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::source {
namespace {

enum Method : std::uint16_t { method_lzma = 14, method_xz = 95, method_ppmd = 98 };

constexpr std::uint64_t dictionary_max = 4096 * limits::MiB;
constexpr std::uint64_t ppmd_max = 256 * limits::MiB;

/// Up to `count` bytes of its content, from `from` on.
std::string bytes_of(Source& archive, const ZipMember& member, std::uint64_t from,
                     std::uint64_t count) {
  if (from > member.packed_bytes) return {};
  std::string bytes(std::min(count, member.packed_bytes - from), '\0');
  if (!archive.seek(member.content_at + from)) return {};
  bytes.resize(archive.read(bytes.data(), bytes.size()));
  return bytes;
}

std::uint64_t byte_of(const std::string& bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

/// Version of the SDK, how many bytes of properties, and these: APPNOTE.TXT 5.8.8.
std::uint64_t memory_of_lzma(const std::string& head) {
  constexpr std::size_t properties = 4;
  if (head.size() < properties + 5 || byte_of(head, 2) != 5 || byte_of(head, 3) != 0)
    return dictionary_max;
  return byte_of(head, 5) | byte_of(head, 6) << 8U | byte_of(head, 7) << 16U |
         byte_of(head, 8) << 24U;
}

/// Order, megabytes and what is restored, in 4, 8 and 4 bits: APPNOTE.TXT 5.10.3.
std::uint64_t memory_of_ppmd(const std::string& head) {
  if (head.size() < 2) return ppmd_max;
  const std::uint64_t parameters = byte_of(head, 0) | byte_of(head, 1) << 8U;
  return (((parameters >> 4U) & 0xffU) + 1) * limits::MiB;
}

/// A member's content, of which a little is looked at here and there, in rising order.
class Glances {
 public:
  Glances(Source& archive, const ZipMember& member) : archive_(archive), member_(member) {}

  /// Fewer bytes only at the end.
  std::string_view at(std::uint64_t place, std::size_t count) {
    if (place < begin_ || place + count > begin_ + bytes_.size()) {
      constexpr std::size_t window = 4 * limits::KiB;
      bytes_ = bytes_of(archive_, member_, place, std::max(count, window));
      begin_ = place;
    }
    return std::string_view(bytes_).substr(place - begin_, count);
  }

 private:
  Source& archive_;
  const ZipMember& member_;
  std::uint64_t begin_ = 0;
  std::string bytes_;
};

/// Behind the LZMA2 data at `place`, by the headers of its chunks, which say how long they are;
/// nothing where they end too early, or are none.
std::optional<std::uint64_t> behind_lzma2(Glances& content, std::uint64_t place) {
  constexpr std::size_t header_max = 6;
  for (;;) {
    const std::string head(content.at(place, header_max));
    if (head.empty()) return std::nullopt;
    const std::uint64_t control = byte_of(head, 0);
    if (control == 0) return place + 1;
    if (head.size() < header_max) return std::nullopt;
    if (control <= 2) {  // as it is
      place += 3 + (byte_of(head, 1) << 8U | byte_of(head, 2)) + 1;
    } else if (control >= 0x80) {
      const bool has_properties = control >= 0xc0;
      place += (has_properties ? 6 : 5) + (byte_of(head, 3) << 8U | byte_of(head, 4)) + 1;
    } else {
      return std::nullopt;
    }
  }
}

struct XzBlock {
  std::uint64_t header_bytes = 0;
  std::uint64_t dictionary = dictionary_max;
};

/// The header of a block; nothing where it is none.
std::optional<XzBlock> block_at(Glances& content, std::uint64_t place) {
  const std::string head(content.at(place, LZMA_BLOCK_HEADER_SIZE_MAX));
  std::array<lzma_filter, LZMA_FILTERS_MAX + 1> filters{};
  lzma_block block{};
  block.version = 1;
  block.check = LZMA_CHECK_NONE;  // of which its size alone counts, and not for the header
  block.filters = filters.data();
  block.header_size = (static_cast<std::uint32_t>(byte_of(head, 0)) + 1) * 4;
  if (block.header_size > head.size() ||
      ::lzma_block_header_decode(&block, nullptr,
                                 reinterpret_cast<const std::uint8_t*>(head.data())) != LZMA_OK)
    return std::nullopt;
  XzBlock found{.header_bytes = block.header_size};
  for (lzma_filter& filter : filters) {
    if (filter.id == LZMA_VLI_UNKNOWN) break;
    if (filter.id == LZMA_FILTER_LZMA2)
      found.dictionary = static_cast<const lzma_options_lzma*>(filter.options)->dict_size;
    std::free(filter.options);
  }
  return found;
}

/// Each block of an .xz has a dictionary of its own, which the library frees in front of the next
/// one's. Where a block ends its content says: the index behind them may say something else, and is
/// not compared before all of them are unpacked.
std::uint64_t memory_of_xz(Source& archive, const ZipMember& member) {
  Glances content(archive, member);
  const std::string head(content.at(0, LZMA_STREAM_HEADER_SIZE));
  lzma_stream_flags flags{};
  if (head.size() < LZMA_STREAM_HEADER_SIZE ||
      ::lzma_stream_header_decode(&flags, reinterpret_cast<const std::uint8_t*>(head.data())) !=
          LZMA_OK)
    return dictionary_max;
  const std::uint64_t check_bytes = ::lzma_check_size(flags.check);
  std::uint64_t memory = 0;
  for (std::uint64_t place = LZMA_STREAM_HEADER_SIZE;;) {
    const std::string_view first = content.at(place, 1);
    // The index begins with 0. What ends too early, or is damaged, is not unpacked any further.
    if (first.empty() || first[0] == '\0') return memory;
    const auto block = block_at(content, place);
    if (!block) return memory;
    memory = std::max(memory, block->dictionary);
    const auto behind = behind_lzma2(content, place + block->header_bytes);
    if (!behind) return memory;
    place = (*behind + 3) / 4 * 4 + check_bytes;
  }
}

}  // namespace

std::uint64_t memory_of_zip_member(Source& archive, const ZipMember& member) {
  if (member.is_encrypted) return 0;  // nothing of it is unpacked
  switch (member.method) {
    case method_lzma: return memory_of_lzma(bytes_of(archive, member, 0, 9));
    case method_ppmd: return memory_of_ppmd(bytes_of(archive, member, 0, 2));
    case method_xz: return memory_of_xz(archive, member);
    default: return 0;
  }
}

}  // namespace sluice::source
