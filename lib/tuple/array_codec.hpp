#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/endian.hpp"
#include "tuple/codec.hpp"

namespace sluice::tuple::codecs {

namespace detail {

/// An element as it stands in an array's text: `{1,NULL,"a b"}`.
struct Element {
  std::string_view text;
  bool null = false;
};

inline bool is_null_word(std::string_view text) {
  return text.size() == 4 && (text[0] | 0x20) == 'n' && (text[1] | 0x20) == 'u' &&
         (text[2] | 0x20) == 'l' && (text[3] | 0x20) == 'l';
}

/// Takes the next element and the comma behind it from `rest`. False for what only the server
/// reads: backslashes, blanks around an element, arrays in arrays.
inline bool take_element(std::string_view& rest, Element& element) {
  std::size_t end = 0;
  if (!rest.empty() && rest.front() == '"') {
    end = rest.find_first_of("\"\\", 1);
    if (end == std::string_view::npos || rest[end] == '\\') return false;
    element = {rest.substr(1, end - 1), false};
    ++end;
  } else {
    end = std::min(rest.find(','), rest.size());
    const std::string_view text = rest.substr(0, end);
    static constexpr std::string_view blanks = " \t\n\r\v\f";
    if (text.empty() || text.find_first_of("{}\"\\") != std::string_view::npos ||
        blanks.find(text.front()) != std::string_view::npos ||
        blanks.find(text.back()) != std::string_view::npos)
      return false;
    element = {text, is_null_word(text)};
  }
  if (end < rest.size() && (rest[end] != ',' || end + 1 == rest.size())) return false;
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return true;
}

}  // namespace detail

/// A one-dimensional array: array_recv of utils/adt/arrayfuncs.c reads the number of dimensions,
/// whether there are NULLs, the element's type, for each dimension its length and lower bound, then
/// the elements, each behind its length.
template <Encode element_codec, std::uint32_t element_type>
char* array(const char* text, std::size_t size, char* out) {
  if (size < 2 || text[0] != '{' || text[size - 1] != '}') return nullptr;
  std::string_view rest(text + 1, size - 2);
  const bool empty = rest.empty();
  char* const header = out;
  out += empty ? 12 : 20;
  std::int32_t count = 0;
  std::int32_t has_null = 0;
  while (!rest.empty()) {
    detail::Element element;
    if (!detail::take_element(rest, element)) return nullptr;
    ++count;
    if (element.null) {
      out = store_big_endian(out, std::int32_t{-1});
      has_null = 1;
      continue;
    }
    char* const end = element_codec(element.text.data(), element.text.size(), out + 4);
    if (end == nullptr) return nullptr;
    store_big_endian(out, static_cast<std::int32_t>(end - out - 4));
    out = end;
  }
  char* field = store_big_endian(header, std::int32_t{empty ? 0 : 1});
  field = store_big_endian(field, has_null);
  field = store_big_endian(field, element_type);
  if (empty) return field;
  field = store_big_endian(field, count);
  store_big_endian(field, std::int32_t{1});
  return out;
}

}  // namespace sluice::tuple::codecs
