#pragma once

#include <memory>

#include "decode/decoder.hpp"

namespace sluice::decode {

/// Zstandard (RFC 8878): several frames, and skippable ones. A frame whose window is larger than
/// `memory_max` is refused.
std::unique_ptr<Decoder> zstd(std::uint64_t memory_max);

}  // namespace sluice::decode
