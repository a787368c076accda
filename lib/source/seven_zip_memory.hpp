#pragma once

#include <cstdint>

#include "source/source.hpp"

namespace sluice::source {

/// What the largest dictionary of a 7z takes, as its header tells: the library that unpacks it
/// allocates what it is told. Throws Failure{usage} where the header itself is packed with more
/// than `memory_max`, and as damaged where it is none that an archiver writes. REQUIRES: the
/// archive is a file.
std::uint64_t memory_of_seven_zip(Source& archive, std::uint64_t memory_max);

}  // namespace sluice::source
