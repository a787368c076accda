#include "decode/decoder.hpp"

#include "base/quantity.hpp"

namespace sluice::decode {

Defect Defect::memory(std::uint64_t needed, std::uint64_t allowed) {
  return {Kind::memory, "it takes " + format_bytes(needed) + " of memory to unpack, and " +
                            format_bytes(allowed) + " are allowed"};
}

}  // namespace sluice::decode
