#include "source/fingerprint.hpp"

#include <xxhash.h>

#include <cstdio>

#include "base/limits.hpp"

namespace sluice::source {

std::string fingerprint(const Source& source, std::string_view beginning) {
  std::string text = source.size_bytes() ? std::to_string(*source.size_bytes()) : "stream";
  text += '\n';
  text += beginning;
  text += source.tail(limits::fingerprint_bytes);
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  char hex[33];
  std::snprintf(hex, sizeof hex, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return hex;
}

}  // namespace sluice::source
