#include "migrate/checksum.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace sluice::migrate {
namespace {

void check(int result) {
  if (result != 1) throw std::runtime_error("SHA-256 is not available in this OpenSSL");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  check(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void Sha256::add(std::string_view text) {
  check(EVP_DigestUpdate(context_.get(), text.data(), text.size()));
}

std::string Sha256::digest() const {
  Sha256 copy;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  check(EVP_MD_CTX_copy_ex(copy.context_.get(), context_.get()));
  check(EVP_DigestFinal_ex(copy.context_.get(), digest.data(), &size));
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += digits[digest[i] >> 4];
    hex += digits[digest[i] & 15];
  }
  return hex;
}

std::string sha256(std::string_view text) {
  Sha256 hash;
  hash.add(text);
  return hash.digest();
}

}  // namespace sluice::migrate
