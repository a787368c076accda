#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "base/endian.hpp"
#include "tuple/codec.hpp"

// Types that extensions make: PostgreSQL's own (contrib), PostGIS, pgvector.
namespace sluice::tuple::codecs {
namespace {

/// Takes what stands in quotes at the front of `rest`, and writes it behind its length. Behind a
/// backslash any character stands for itself.
char* take_quoted(std::string_view& rest, char* out) {
  if (!rest.starts_with('"')) return nullptr;
  char* const begin = out + sizeof(std::int32_t);
  char* end = begin;
  for (std::size_t at = 1; at < rest.size(); ++at) {
    if (rest[at] == '"') {
      rest.remove_prefix(at + 1);
      store_big_endian(out, static_cast<std::int32_t>(end - begin));
      return end;
    }
    if (rest[at] == '\\' && ++at == rest.size()) return nullptr;
    *end++ = rest[at];
  }
  return nullptr;
}

bool take(std::string_view& rest, std::string_view what) {
  if (!rest.starts_with(what)) return false;
  rest.remove_prefix(what.size());
  return true;
}

/// Takes the number in front of that character, and the character. Of digits and a point alone:
/// what else is a number to PostGIS only the server knows.
char* take_coordinate(std::string_view& rest, char behind, char* out) {
  const std::size_t sign = rest.starts_with('-') ? 1 : 0;
  const std::size_t size = rest.find_first_not_of("0123456789.", sign);
  if (size == std::string_view::npos || rest[size] != behind) return nullptr;
  out = float8(rest.data(), size, out);
  rest.remove_prefix(size + 1);
  return out;
}

/// "SRID=4326;POINT(1 2)", and the same without SRID: as EWKB, in the order of the network.
char* point_of_wkt(std::string_view rest, char* out) {
  static constexpr std::uint32_t point_type = 1;
  static constexpr std::uint32_t has_srid = 0x20000000;
  static constexpr std::size_t srid_digits_max = 5;  // more are clamped from 999,999 on
  std::uint32_t srid = 0;
  if (take(rest, "SRID=")) {
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (digits == 0 || digits > srid_digits_max || rest.front() == '0') return nullptr;
    for (const char digit : rest.substr(0, digits))
      srid = srid * 10 + static_cast<std::uint32_t>(digit - '0');
    rest.remove_prefix(digits);
    if (!take(rest, ";")) return nullptr;
  }
  if (!take(rest, "POINT(") && !take(rest, "POINT (")) return nullptr;
  *out++ = 0;
  out = store_big_endian(out, srid != 0 ? point_type | has_srid : point_type);
  if (srid != 0) out = store_big_endian(out, srid);
  out = take_coordinate(rest, ' ', out);
  if (out != nullptr) out = take_coordinate(rest, ')', out);
  return rest.empty() ? out : nullptr;
}

/// A geometry of one part: a point, a line, a polygon.
class Ewkb {
 public:
  explicit Ewkb(std::string_view bytes) : rest_(bytes) {}

  /// Whether it is one, and as simple as PostGIS asks it to be.
  bool passes() {
    if (rest_.empty()) return false;
    is_big_endian_ = rest_.front() == 0;
    if (!is_big_endian_ && rest_.front() != 1) return false;
    rest_.remove_prefix(1);
    const std::uint32_t type = number();
    point_bytes_ = sizeof(double) * (2 + ((type & has_z) != 0) + ((type & has_m) != 0));
    if ((type & has_srid) != 0) number();
    return is_shape(type & ~(has_z | has_m | has_srid)) && is_whole_ && rest_.empty();
  }

 private:
  static constexpr std::uint32_t has_z = 0x80000000;
  static constexpr std::uint32_t has_m = 0x40000000;
  static constexpr std::uint32_t has_srid = 0x20000000;

  bool is_shape(std::uint32_t type) {
    static constexpr std::uint32_t point = 1;
    static constexpr std::uint32_t line = 2;
    static constexpr std::uint32_t polygon = 3;
    if (type == point) return take_points(1).size() == point_bytes_;
    if (type == line) {
      const std::uint32_t points = number();
      return points >= 2 && !take_points(points).empty();
    }
    if (type != polygon) return false;
    for (std::uint32_t rings = number(); rings > 0; --rings)
      if (!is_ring(take_points(number()))) return false;
    return true;
  }

  bool is_ring(std::string_view points) const {
    return points.size() >= 4 * point_bytes_ &&
           points.substr(0, point_bytes_) == points.substr(points.size() - point_bytes_);
  }

  std::uint32_t number() {
    if (rest_.size() < sizeof(std::uint32_t)) {
      is_whole_ = false;
      return 0;
    }
    const auto value = load_big_endian<std::uint32_t>(rest_.data());
    rest_.remove_prefix(sizeof value);
    return is_big_endian_ ? value : __builtin_bswap32(value);
  }

  /// Nothing where they are not there.
  std::string_view take_points(std::uint32_t count) {
    if (rest_.size() / point_bytes_ < count) {
      is_whole_ = false;
      return {};
    }
    const std::string_view points = rest_.substr(0, count * point_bytes_);
    rest_.remove_prefix(points.size());
    return points;
  }

  std::string_view rest_;
  bool is_big_endian_ = false;
  bool is_whole_ = true;
  std::size_t point_bytes_ = 0;
};

}  // namespace

/// LWGEOM_recv and geography_recv of PostGIS read EWKB, which LWGEOM_in and geography_in read in
/// hexadecimal digits. Only the former look at how many points there are, and whether rings are
/// closed: what would not pass is the server's, which stores it by its text.
char* geometry(const char* text, std::size_t size, char* out) {
  if (size == 0 || text[0] != '0') return point_of_wkt({text, size}, out);
  char* const end = hexadecimal(text, size, out);
  return end != nullptr && Ewkb({out, end}).passes() ? end : nullptr;
}

/// vector_recv of pgvector reads the number of elements, two bytes that are 0, and a float4 for
/// each.
char* vector(const char* text, std::size_t size, char* out) {
  static constexpr std::size_t elements_max = 16'000;
  if (size < 3 || text[0] != '[' || text[size - 1] != ']') return nullptr;
  char* const count = out;
  out += 2 * sizeof(std::int16_t);
  std::size_t elements = 0;
  const char* const end = text + size - 1;
  for (const char* at = text + 1;; ++at) {
    const char* const next = std::find(at, end, ',');
    out =
        elements++ < elements_max ? float4(at, static_cast<std::size_t>(next - at), out) : nullptr;
    if (out == nullptr) return nullptr;
    at = next;
    if (at == end) break;
  }
  store_big_endian(store_big_endian(count, static_cast<std::int16_t>(elements)), std::int16_t{0});
  return out;
}

/// As hstore_out writes it: "a"=>"1", "b"=>NULL. hstore_recv of contrib/hstore reads the number of
/// pairs, then each key behind its length and each value behind its, which is -1 for NULL. A key
/// that comes twice is the server's: of two with NULLs some versions of that function free a null
/// pointer.
char* hstore(const char* text, std::size_t size, char* out) {
  static constexpr std::size_t pairs_max = 64;  // each key is compared with all in front of it
  std::array<std::string_view, pairs_max> keys;
  std::size_t pairs = 0;
  char* const count = out;
  out += sizeof(std::int32_t);
  for (std::string_view rest(text, size); !rest.empty(); ++pairs) {
    if (pairs == pairs_max || (pairs > 0 && !take(rest, ", "))) return nullptr;
    char* const key = out + sizeof(std::int32_t);
    out = take_quoted(rest, out);
    if (out == nullptr) return nullptr;
    keys[pairs] = {key, static_cast<std::size_t>(out - key)};
    const auto begun = keys.begin() + static_cast<std::ptrdiff_t>(pairs);
    if (std::find(keys.begin(), begun, keys[pairs]) != begun || !take(rest, "=>")) return nullptr;
    out = take(rest, "NULL") ? store_big_endian(out, std::int32_t{-1}) : take_quoted(rest, out);
    if (out == nullptr) return nullptr;
  }
  store_big_endian(count, static_cast<std::int32_t>(pairs));
  return out;
}

}  // namespace sluice::tuple::codecs
