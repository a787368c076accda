#include "decode/gzip.hpp"

#include <utility>

namespace sluice::decode {

std::unique_ptr<Decoder> gzip() {
  std::unique_ptr<Decoder> fastest = gzip_by_isal();
  return fastest ? std::move(fastest) : gzip_by_zlib();
}

#ifndef PGSLUICE_ISAL
std::unique_ptr<Decoder> gzip_by_isal() { return nullptr; }
#endif

}  // namespace sluice::decode
