#pragma once

#include <cstdint>

#include "source/zip_directory.hpp"

namespace sluice::source {

/// What unpacking a member of a zip takes for its dictionary, as it says in front of its content:
/// the library allocates what it is told. What cannot be seen there counts as all that the method
/// may ask for. Blocking; leaves the archive where it stops to read.
std::uint64_t memory_of_zip_member(Source& archive, const ZipMember& member);

}  // namespace sluice::source
