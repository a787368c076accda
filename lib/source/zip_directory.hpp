#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/source.hpp"

namespace sluice::source {

/// A member of a zip, of which its directory and what stands in front of its content say the same.
struct ZipMember {
  std::string name;  ///< its bytes, in whatever encoding
  std::uint64_t bytes = 0;
  std::uint64_t packed_bytes = 0;
  std::uint64_t content_at = 0;  ///< in the archive
  std::uint32_t checksum = 0;
  std::uint16_t method = 0;
  bool is_encrypted = false;
};

/// The members of a zip in the order of their bytes (APPNOTE.TXT 6.3, zip64 too). Each byte of the
/// file belongs to a member, to the directory or to its end: readers go by the directory alone, so
/// a zip behind another one, a program in front of it, or a file that the directory leaves out
/// would be left out without a word. Throws Failure, as damaged, where that is not so, and where
/// the directory and a member differ. Leaves the archive where it stops to read.
/// REQUIRES: the archive is a file.
std::vector<ZipMember> members_of_zip(Source& archive);

}  // namespace sluice::source
