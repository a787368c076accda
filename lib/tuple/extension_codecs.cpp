#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "base/endian.hpp"
#include "tuple/codec.hpp"

// Types that extensions of PostgreSQL's own make (contrib).
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

}  // namespace

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
