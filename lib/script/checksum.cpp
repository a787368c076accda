#include "script/checksum.hpp"

#include <openssl/evp.h>

#include <array>
#include <span>
#include <stdexcept>

namespace sluice::script {
namespace {

void check(int result) {
  if (result != 1) throw std::runtime_error("SHA-256 is not available in this OpenSSL");
}

/// Looked up once: OpenSSL would do so for each text.
const EVP_MD* algorithm() {
  static EVP_MD* const found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  check(found != nullptr ? 1 : 0);
  return found;
}

std::string in_hexadecimal(std::span<const unsigned char> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : bytes) {
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  return hex;
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  check(EVP_DigestInit_ex(context_.get(), algorithm(), nullptr));
}

void Sha256::add(std::string_view text) {
  check(EVP_DigestUpdate(context_.get(), text.data(), text.size()));
}

std::string Sha256::digest() const {
  const std::unique_ptr<evp_md_ctx_st, Free> copy(EVP_MD_CTX_new());
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  check(EVP_MD_CTX_copy_ex(copy.get(), context_.get()));
  check(EVP_DigestFinal_ex(copy.get(), digest.data(), &size));
  return in_hexadecimal(std::span(digest).first(size));
}

std::string sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  check(EVP_Digest(text.data(), text.size(), digest.data(), &size, algorithm(), nullptr));
  return in_hexadecimal(std::span(digest).first(size));
}

}  // namespace sluice::script
