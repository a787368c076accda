#pragma once

#include <memory>

#include "decode/decoder.hpp"

namespace sluice::decode {

/// LZ4's frame format, several frames and skippable ones; its legacy format (lz4 -l) too.
std::unique_ptr<Decoder> lz4();

}  // namespace sluice::decode
