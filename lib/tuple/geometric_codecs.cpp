#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/endian.hpp"
#include "tuple/codec.hpp"

// Points, as PostgreSQL writes them: utils/adt/geo_ops.c reads each coordinate as float8in does.
namespace sluice::tuple::codecs {
namespace {

constexpr std::size_t coordinate_bytes = 8;
constexpr std::size_t point_bytes = 2 * coordinate_bytes;

/// "(1,2)", all of `text`, as point_recv reads it.
bool read_point(std::string_view text, char* out) {
  if (text.size() < 5 || text.front() != '(' || text.back() != ')') return false;
  text = text.substr(1, text.size() - 2);
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos) return false;
  const std::string_view y = text.substr(comma + 1);
  return float8(text.data(), comma, out) != nullptr &&
         float8(y.data(), y.size(), out + coordinate_bytes) != nullptr;
}

double coordinate(const char* at) {
  return std::bit_cast<double>(load_big_endian<std::int64_t>(at));
}

}  // namespace

char* point(const char* text, std::size_t size, char* out) {
  return read_point({text, size}, out) ? out + point_bytes : nullptr;
}

/// Two corners, "(3,4),(1,2)": the upper right one comes first, whatever the text says.
char* box(const char* text, std::size_t size, char* out) {
  const std::string_view both(text, size);
  const std::size_t end = both.find(')');
  if (end == std::string_view::npos || end + 1 == size || both[end + 1] != ',') return nullptr;
  char corners[2][point_bytes];
  if (!read_point(both.substr(0, end + 1), corners[0]) ||
      !read_point(both.substr(end + 2), corners[1]))
    return nullptr;
  for (std::size_t at = 0; at < point_bytes; at += coordinate_bytes) {
    const char* high = corners[0] + at;
    const char* low = corners[1] + at;
    if (coordinate(high) < coordinate(low)) std::swap(high, low);
    std::memcpy(out + at, high, coordinate_bytes);
    std::memcpy(out + point_bytes + at, low, coordinate_bytes);
  }
  return out + 2 * point_bytes;
}

}  // namespace sluice::tuple::codecs
