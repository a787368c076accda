#include "serve/digest.hpp"

#include <openssl/evp.h>

#include <array>
#include <vector>

#include "base/failure.hpp"
#include "serve/message.hpp"

namespace sluice::serve {
namespace {

struct Free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

[[noreturn]] void refuse() {
  throw Refused{400, "a digest is written as sha-256=:BASE64: (RFC 9530), or sha-512"};
}

std::vector<unsigned char> bytes_of_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > 4096) refuse();
  std::vector<unsigned char> bytes(text.size() / 4 * 3);
  const auto* const from = reinterpret_cast<const unsigned char*>(text.data());
  if (::EVP_DecodeBlock(bytes.data(), from, static_cast<int>(text.size())) < 0) refuse();
  const std::size_t padding = text.size() - text.find_last_not_of('=') - 1;
  if (padding > 2) refuse();
  bytes.resize(bytes.size() - padding);
  return bytes;
}

/// Without the blanks around it.
std::string_view stripped(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

const EVP_MD* algorithm_of(std::string_view name) {
  if (name == "sha-256") return ::EVP_sha256();
  return name == "sha-512" ? ::EVP_sha512() : nullptr;
}

}  // namespace

struct DigestCheck::State {
  std::unique_ptr<EVP_MD_CTX, Free> context{::EVP_MD_CTX_new()};
  std::vector<unsigned char> said;
};

DigestCheck::DigestCheck(std::string_view field) {
  const bool is_said = !field.empty();
  while (!field.empty()) {
    const std::size_t end = std::min(field.find(','), field.size());
    const std::string_view item = stripped(field.substr(0, end));
    field.remove_prefix(std::min(end + 1, field.size()));
    const std::size_t equals = item.find("=:");
    if (equals == item.npos || !item.ends_with(':') || item.size() < equals + 3) refuse();
    const EVP_MD* const algorithm = algorithm_of(item.substr(0, equals));
    if (algorithm == nullptr || state_) continue;
    state_ = std::make_unique<State>();
    state_->said = bytes_of_base64(item.substr(equals + 2, item.size() - equals - 3));
    if (!state_->context || ::EVP_DigestInit_ex(state_->context.get(), algorithm, nullptr) != 1)
      throw Failure(FailureKind::failed, "cannot compute a digest");
  }
  if (is_said && !state_) refuse();
}

DigestCheck::~DigestCheck() = default;
DigestCheck::DigestCheck(DigestCheck&&) noexcept = default;
DigestCheck& DigestCheck::operator=(DigestCheck&&) noexcept = default;

void DigestCheck::add(std::string_view bytes) {
  if (state_) ::EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}

bool DigestCheck::is_right() {
  if (!state_) return true;
  std::array<unsigned char, EVP_MAX_MD_SIZE> is{};
  unsigned size = 0;
  ::EVP_DigestFinal_ex(state_->context.get(), is.data(), &size);
  return std::vector<unsigned char>(is.begin(), is.begin() + size) == state_->said;
}

}  // namespace sluice::serve
