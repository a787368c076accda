#pragma once

#include <memory>

#include "source/decode/decoder.hpp"

namespace sluice::source::decode {

/// bzip2, several streams too, as pbzip2 writes them.
std::unique_ptr<Decoder> bzip2();

}  // namespace sluice::source::decode
