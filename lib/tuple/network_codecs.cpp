#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "tuple/codec.hpp"

// inet and cidr: network_recv of utils/adt/network.c reads a family, the length of the network's
// part in bits, a byte that says whether it is a cidr, the number of address bytes, and these.
namespace sluice::tuple::codecs {
namespace {

struct Address {
  std::array<unsigned char, 16> bytes{};
  std::size_t size = 0;  ///< 4 or 16
};

/// A number without sign and without leading zeros.
std::optional<unsigned> read_number(std::string_view text, unsigned most) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned>(c - '0');
    if (digit > 9) return std::nullopt;
    value = value * 10 + digit;
  }
  if (value > most) return std::nullopt;
  return value;
}

/// Four numbers; the shorter forms are the server's.
bool read_v4(std::string_view text, Address& address) {
  address.size = 4;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t end = i < 3 ? text.find('.') : text.size();
    if (end == std::string_view::npos) return false;
    const auto octet = read_number(text.substr(0, end), 255);
    if (!octet) return false;
    address.bytes[i] = static_cast<unsigned char>(*octet);
    text.remove_prefix(i < 3 ? end + 1 : end);
  }
  return true;
}

/// Hexadecimal groups; forms with a v4 address in them are the server's.
bool read_v6(std::string_view text, Address& address) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size() ||
      text.find_first_not_of("0123456789abcdefABCDEF:") != std::string_view::npos)
    return false;
  std::memcpy(copy.data(), text.data(), text.size());
  address.size = 16;
  return ::inet_pton(AF_INET6, copy.data(), address.bytes.data()) == 1;
}

bool has_bits_behind(const Address& address, unsigned bits) {
  for (unsigned bit = bits; bit < address.size * 8; ++bit) {
    if ((address.bytes[bit / 8] >> (7 - bit % 8) & 1U) != 0) return true;
  }
  return false;
}

char* network(std::string_view text, char* out, bool is_cidr) {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  Address address;
  const bool v6 = host.find(':') != std::string_view::npos;
  if (!(v6 ? read_v6(host, address) : read_v4(host, address))) return nullptr;
  auto bits = static_cast<unsigned>(address.size * 8);
  if (slash != std::string_view::npos) {
    const auto given = read_number(text.substr(slash + 1), bits);
    if (!given) return nullptr;
    bits = *given;
  }
  if (is_cidr && has_bits_behind(address, bits)) return nullptr;
  // PGSQL_AF_INET and PGSQL_AF_INET6 of utils/inet.h: the latter is not the system's AF_INET6.
  *out++ = v6 ? AF_INET + 1 : AF_INET;
  *out++ = static_cast<char>(bits);
  *out++ = is_cidr ? 1 : 0;
  *out++ = static_cast<char>(address.size);
  std::memcpy(out, address.bytes.data(), address.size);
  return out + address.size;
}

}  // namespace

char* inet(const char* text, std::size_t size, char* out) {
  return network({text, size}, out, false);
}

char* cidr(const char* text, std::size_t size, char* out) {
  return network({text, size}, out, true);
}

}  // namespace sluice::tuple::codecs
