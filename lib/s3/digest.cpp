#include "s3/digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <limits>

#include "base/failure.hpp"

namespace sluice::s3 {
namespace {

using Digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string text_of(const Digest& digest, unsigned int size) {
  return {reinterpret_cast<const char*>(digest.data()), size};
}

void check(bool is_done) {
  if (!is_done) throw Failure(FailureKind::failed, "SHA-256 is not available in this OpenSSL");
}

}  // namespace

std::string sha256(std::string_view bytes) {
  Digest digest{};
  unsigned int size = 0;
  const int done =
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  check(done == 1);
  return text_of(digest, size);
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  Digest digest{};
  unsigned int size = 0;
  check(key.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
  const auto* const done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                bytes_of(bytes), bytes.size(), digest.data(), &size);
  check(done != nullptr);
  return text_of(digest, size);
}

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace sluice::s3
