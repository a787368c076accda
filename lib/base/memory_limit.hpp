#pragma once

#include <cstdint>

namespace sluice {

/// Bytes that this process may use before something ends it: the least of what its control groups
/// are allowed (of version 1 or 2) and of what the machine has.
std::uint64_t memory_limit();

}  // namespace sluice
