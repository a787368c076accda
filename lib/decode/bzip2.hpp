#pragma once

#include <memory>

#include "decode/decoder.hpp"

namespace sluice::decode {

/// bzip2, several streams too, as pbzip2 writes them.
std::unique_ptr<Decoder> bzip2();

}  // namespace sluice::decode
