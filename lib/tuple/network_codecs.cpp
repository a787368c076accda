#include <arpa/inet.h>

#include <algorithm>
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

/// Whether a digit is at this place; then `value` goes on with it.
bool take_digit(const char*& at, const char* end, unsigned& value) {
  if (at == end) return false;
  const auto digit = static_cast<unsigned>(*at - '0');
  if (digit > 9) return false;
  value = value * 10 + digit;
  ++at;
  return true;
}

/// Four numbers from `at` on, which is behind them then; the shorter forms are the server's.
bool read_v4(const char*& at, const char* end, Address& address) {
  address.size = 4;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0 && (at == end || *at++ != '.')) return false;
    unsigned value = 0;
    if (!take_digit(at, end, value)) return false;
    const bool begins_with_zero = value == 0;
    const char* const first = at;
    if (take_digit(at, end, value)) take_digit(at, end, value);
    if (value > 255 || (begins_with_zero && at != first)) return false;
    address.bytes[i] = static_cast<unsigned char>(value);
  }
  return at == end || *at == '/';
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
  std::size_t byte = bits / 8;
  if (bits % 8 != 0 && (address.bytes[byte++] & 0xffU >> bits % 8) != 0) return true;
  for (; byte < address.size; ++byte)
    if (address.bytes[byte] != 0) return true;
  return false;
}

char* network(std::string_view text, char* out, bool is_cidr) {
  const char* at = text.data();
  const char* const end = at + text.size();
  Address address;
  const bool v6 = !read_v4(at, end, address);
  if (v6) {
    at = std::find(text.data(), end, '/');
    if (!read_v6({text.data(), at}, address)) return nullptr;
  }
  auto bits = static_cast<unsigned>(address.size * 8);
  if (at != end) {
    const auto given = read_number({at + 1, end}, bits);
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
