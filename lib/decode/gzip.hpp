#pragma once

#include <memory>

#include "decode/decoder.hpp"

namespace sluice::decode {

/// gzip (RFC 1952), several members too, by the fastest library that the program was built with:
/// ISA-L unpacks three times as fast as zlib, and is there for x86-64 and arm64 alone.
std::unique_ptr<Decoder> gzip();

std::unique_ptr<Decoder> gzip_by_zlib();
/// Null where the program was built without it.
std::unique_ptr<Decoder> gzip_by_isal();

}  // namespace sluice::decode
