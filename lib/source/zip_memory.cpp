#include "source/zip_memory.hpp"

#include <lzma.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

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

/// Each block of an .xz has a dictionary of its own, so it is known where there is one block.
bool has_one_block(Source& archive, const ZipMember& member) {
  if (member.packed_bytes < 2 * LZMA_STREAM_HEADER_SIZE) return false;
  const std::uint64_t footer_at = member.packed_bytes - LZMA_STREAM_HEADER_SIZE;
  const std::string footer = bytes_of(archive, member, footer_at, LZMA_STREAM_HEADER_SIZE);
  lzma_stream_flags flags{};
  if (footer.size() != LZMA_STREAM_HEADER_SIZE ||
      ::lzma_stream_footer_decode(&flags, reinterpret_cast<const std::uint8_t*>(footer.data())) !=
          LZMA_OK)
    return false;
  constexpr std::uint64_t index_bytes_max = 64;  // of one block; the rest is of more
  if (flags.backward_size > index_bytes_max || flags.backward_size > footer_at) return false;
  const std::string bytes =
      bytes_of(archive, member, footer_at - flags.backward_size, flags.backward_size);
  lzma_index* index = nullptr;
  std::uint64_t memory = limits::MiB;
  std::size_t at = 0;
  if (::lzma_index_buffer_decode(&index, &memory, nullptr,
                                 reinterpret_cast<const std::uint8_t*>(bytes.data()), &at,
                                 bytes.size()) != LZMA_OK)
    return false;
  const bool is_one = ::lzma_index_block_count(index) == 1 &&
                      ::lzma_index_stream_size(index) == member.packed_bytes;
  ::lzma_index_end(index, nullptr);
  return is_one;
}

std::uint64_t memory_of_xz(Source& archive, const ZipMember& member) {
  if (!has_one_block(archive, member)) return dictionary_max;
  const std::string head =
      bytes_of(archive, member, LZMA_STREAM_HEADER_SIZE, LZMA_BLOCK_HEADER_SIZE_MAX);
  if (head.empty() || head[0] == '\0') return dictionary_max;
  std::array<lzma_filter, LZMA_FILTERS_MAX + 1> filters{};
  lzma_block block{};
  block.version = 1;
  block.check = LZMA_CHECK_NONE;  // of which its size alone counts, and not for the header
  block.filters = filters.data();
  block.header_size = (static_cast<std::uint32_t>(byte_of(head, 0)) + 1) * 4;
  if (block.header_size > head.size() ||
      ::lzma_block_header_decode(&block, nullptr,
                                 reinterpret_cast<const std::uint8_t*>(head.data())) != LZMA_OK)
    return dictionary_max;
  std::uint64_t memory = 0;
  for (lzma_filter& filter : filters) {
    if (filter.id == LZMA_VLI_UNKNOWN) break;
    if (filter.id == LZMA_FILTER_LZMA2)
      memory = static_cast<const lzma_options_lzma*>(filter.options)->dict_size;
    std::free(filter.options);
  }
  return memory;
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
