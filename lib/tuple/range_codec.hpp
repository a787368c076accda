#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/endian.hpp"
#include "tuple/codec.hpp"

namespace sluice::tuple::codecs {

namespace detail {

// The flags of utils/rangetypes.h; of "includes" the bound itself is in the range.
inline constexpr unsigned range_is_empty = 0x01;
inline constexpr unsigned range_includes_lower = 0x02;
inline constexpr unsigned range_includes_upper = 0x04;
inline constexpr unsigned range_from_infinity = 0x08;
inline constexpr unsigned range_to_infinity = 0x10;

/// Takes a bound from the front of a range's text, up to the comma or the end; empty: infinity.
/// False for what only the server reads: backslashes, quotes within a bound.
inline bool take_bound(std::string_view& rest, std::string_view& bound, bool& is_infinite) {
  std::size_t end = 0;
  if (!rest.empty() && rest.front() == '"') {
    end = rest.find('"', 1);
    if (end == std::string_view::npos) return false;
    bound = rest.substr(1, end - 1);
    is_infinite = false;
    ++end;
  } else {
    end = std::min(rest.find(','), rest.size());
    bound = rest.substr(0, end);
    is_infinite = bound.empty();
  }
  rest.remove_prefix(end);
  return rest.empty() || rest.front() == ',';
}

/// Whether a bound's binary form is of a smaller value than another one's.
using IsLess = bool (*)(std::string_view a, std::string_view b);

template <class Int>
bool is_less_integer(std::string_view a, std::string_view b) {
  return load_big_endian<Int>(a.data()) < load_big_endian<Int>(b.data());
}

bool is_less_numeric(std::string_view a, std::string_view b);

}  // namespace detail

enum class Steps {
  some,  ///< each value has a next one: the server makes "[1,3)" of "[1,2]" and "(0,3)"
  none
};

/// A range: range_recv of utils/adt/rangetypes.c reads flags, then each bound that is not infinity
/// behind its length. What the server would write in another way (the empty one that has bounds,
/// other brackets where there are steps) is left to it.
template <Encode bound_codec, detail::IsLess is_less, Steps steps>
char* range(const char* text, std::size_t size, char* out) {
  using namespace detail;
  const std::string_view all(text, size);
  if (all == "empty") {
    *out = static_cast<char>(range_is_empty);
    return out + 1;
  }
  if (size < 3 || (text[0] != '[' && text[0] != '(') ||
      (text[size - 1] != ')' && text[size - 1] != ']'))
    return nullptr;
  std::string_view rest = all.substr(1, size - 2);
  std::string_view bounds[2];
  bool is_infinite[2];
  if (!take_bound(rest, bounds[0], is_infinite[0]) || rest.empty()) return nullptr;
  rest.remove_prefix(1);
  if (!take_bound(rest, bounds[1], is_infinite[1]) || !rest.empty()) return nullptr;
  const bool includes_lower = text[0] == '[' && !is_infinite[0];
  const bool includes_upper = text[size - 1] == ']' && !is_infinite[1];
  if (steps == Steps::some && (includes_upper || (!includes_lower && !is_infinite[0])))
    return nullptr;
  *out++ = static_cast<char>(
      (includes_lower ? range_includes_lower : 0U) | (includes_upper ? range_includes_upper : 0U) |
      (is_infinite[0] ? range_from_infinity : 0U) | (is_infinite[1] ? range_to_infinity : 0U));
  std::string_view written[2];
  for (std::size_t i = 0; i < 2; ++i) {
    if (is_infinite[i]) continue;
    char* const value = out + 4;
    char* const end = bound_codec(bounds[i].data(), bounds[i].size(), value);
    if (end == nullptr) return nullptr;
    store_big_endian(out, static_cast<std::int32_t>(end - value));
    written[i] = {value, static_cast<std::size_t>(end - value)};
    out = end;
  }
  const bool is_finite = !is_infinite[0] && !is_infinite[1];
  return is_finite && !is_less(written[0], written[1]) ? nullptr : out;
}

}  // namespace sluice::tuple::codecs
