#include "decode/library.hpp"

#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

namespace sluice::decode {

std::string library() {
  const std::string bzip2 = BZ2_bzlibVersion();
  return std::string("zlib ") + zlibVersion() + ", zstd " + ZSTD_versionString() + ", lz4 " +
         LZ4_versionString() + ", liblzma " + lzma_version_string() + ", bzip2 " +
         bzip2.substr(0, bzip2.find(','));
}

}  // namespace sluice::decode
