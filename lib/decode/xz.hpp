#pragma once

#include <memory>

#include "decode/decoder.hpp"

namespace sluice::decode {

/// xz: several streams and their padding. Blocks of a file that has several are unpacked at once,
/// by `threads` threads, as far as an eighth of `memory_max` allows; one block may take all of it.
std::unique_ptr<Decoder> xz(std::uint64_t memory_max, unsigned threads);

}  // namespace sluice::decode
