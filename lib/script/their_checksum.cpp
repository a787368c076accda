#include "script/their_checksum.hpp"

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string_view>

#include "base/failure.hpp"
#include "base/hex.hpp"
#include "base/limits.hpp"

namespace sluice::script {
namespace {

void read_bytes(const std::string& path, const std::function<void(std::string_view)>& take) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  errno = 0;
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rbe"));
  constexpr std::size_t part_bytes = 64 * limits::KiB;
  const auto part = std::make_unique_for_overwrite<char[]>(part_bytes);
  std::size_t count = part_bytes;
  while (file && count == part_bytes) {
    count = std::fread(part.get(), 1, part_bytes, file.get());
    take({part.get(), count});
  }
  if (!file || std::ferror(file.get()) != 0)
    throw Failure(FailureKind::usage, path + ": cannot be read: " + errno_message(errno));
}

/// IEEE 802.3, the polynomial of zlib.
constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = (value & 1U) != 0 ? 0xEDB88320U ^ (value >> 1U) : value >> 1U;
    table[i] = value;
  }
  return table;
}

}  // namespace

std::string flyway_checksum(const std::string& path) {
  static constexpr auto table = crc_table();
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  std::uint32_t crc = 0xFFFFFFFFU;
  std::size_t matched = 0;  // of the mark
  bool is_beginning = true;
  const auto add = [&crc](char c) {
    if (c == '\n' || c == '\r') return;
    crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xFFU] ^ (crc >> 8U);
  };
  read_bytes(path, [&](std::string_view bytes) {
    for (const char c : bytes) {
      if (is_beginning && c == byte_order_mark[matched]) {
        is_beginning = ++matched < byte_order_mark.size();
        continue;
      }
      if (is_beginning) {
        for (const char one : byte_order_mark.substr(0, matched)) add(one);
        is_beginning = false;
      }
      add(c);
    }
  });
  return std::to_string(static_cast<std::int32_t>(crc ^ 0xFFFFFFFFU));
}

std::string sqlx_checksum(const std::string& path) {
  const auto check = [](int result) {
    if (result != 1) throw std::runtime_error("SHA-384 is not available in this OpenSSL");
  };
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  check(EVP_DigestInit_ex(context.get(), EVP_sha384(), nullptr));
  read_bytes(path, [&](std::string_view bytes) {
    check(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()));
  });
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  check(EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), &size));
  return hex_of(std::string_view(digest).substr(0, size));
}

}  // namespace sluice::script
