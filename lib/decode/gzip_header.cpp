#include "decode/gzip_header.hpp"

#include <zlib.h>

namespace sluice::decode {
namespace {

constexpr std::uint8_t has_checksum = 2;
constexpr std::uint8_t has_extra = 4;
constexpr std::uint8_t has_name = 8;
constexpr std::uint8_t has_comment = 16;
constexpr std::uint8_t reserved = 0xe0;
constexpr std::uint32_t fixed_bytes = 10;

}  // namespace

std::size_t GzipHeader::take(std::string_view in) {
  std::size_t taken = 0;
  while (!is_whole() && taken < in.size()) take(static_cast<std::uint8_t>(in[taken++]));
  return taken;
}

void GzipHeader::take(std::uint8_t byte) {
  if (part_ != Part::checksum) crc_ = static_cast<std::uint32_t>(::crc32(crc_, &byte, 1));
  switch (part_) {
    case Part::fixed:
      take_fixed(byte);
      if (++at_ == fixed_bytes) go_on_behind(part_);
      break;
    case Part::extra_size:
      extra_size_ |= static_cast<std::uint32_t>(byte) << (8 * at_);
      if (++at_ == 2) go_on_behind(part_);
      break;
    case Part::extra:
      if (++at_ == extra_size_) go_on_behind(part_);
      break;
    case Part::name:
    case Part::comment:
      if (byte == 0) go_on_behind(part_);
      break;
    case Part::checksum:
      told_ |= static_cast<std::uint32_t>(byte) << (8 * at_);
      if (++at_ < 2) break;
      if (told_ != (crc_ & 0xffffU)) throw Defect::damaged("its header's checksum differs");
      go_on_behind(part_);
      break;
    case Part::none: break;
  }
}

void GzipHeader::take_fixed(std::uint8_t byte) {
  constexpr std::uint8_t deflate = 8;
  const bool is_right = at_ == 0   ? byte == 0x1f
                        : at_ == 1 ? byte == 0x8b
                        : at_ == 2 ? byte == deflate
                        : at_ == 3 ? (byte & reserved) == 0
                                   : true;
  if (!is_right) throw Defect::damaged("its header is not gzip's");
  if (at_ == 3) flags_ = byte;
}

/// To the next part that there is.
void GzipHeader::go_on_behind(Part part) {
  at_ = 0;
  const auto has = [this](std::uint8_t flag) { return (flags_ & flag) != 0; };
  if (part == Part::fixed && has(has_extra)) {
    part_ = Part::extra_size;
  } else if (part == Part::extra_size && extra_size_ > 0) {
    part_ = Part::extra;
  } else if (part < Part::name && has(has_name)) {
    part_ = Part::name;
  } else if (part < Part::comment && has(has_comment)) {
    part_ = Part::comment;
  } else if (part < Part::checksum && has(has_checksum)) {
    part_ = Part::checksum;
  } else {
    part_ = Part::none;
  }
}

}  // namespace sluice::decode
