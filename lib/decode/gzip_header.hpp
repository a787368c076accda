#pragma once

#include <cstdint>
#include <string_view>

#include "decode/decoder.hpp"

namespace sluice::decode {

/// The header of a gzip member (RFC 1952, 2.3), of any length and in any pieces. ISA-L's own reader
/// compares the header's checksum only where it comes in one piece.
class GzipHeader {
 public:
  /// Takes what belongs to it from the front. Throws Defect.
  std::size_t take(std::string_view in);
  bool is_whole() const { return part_ == Part::none; }

 private:
  enum class Part { fixed, extra_size, extra, name, comment, checksum, none };

  void take(std::uint8_t byte);
  void take_fixed(std::uint8_t byte);
  void go_on_behind(Part part);

  Part part_ = Part::fixed;
  std::uint32_t at_ = 0;  ///< in the part
  std::uint32_t extra_size_ = 0;
  std::uint32_t told_ = 0;  ///< the checksum that it says
  std::uint32_t crc_ = 0;   ///< of the bytes in front of that
  std::uint8_t flags_ = 0;
};

}  // namespace sluice::decode
