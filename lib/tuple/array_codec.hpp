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

inline bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

/// Where an element without quotes ends: at a comma or a closing brace. 0 where there is none, or
/// something that only the server reads: backslashes, quotes, an array in its place.
inline std::size_t bare_size(std::string_view rest) {
  for (std::size_t at = 0; at < rest.size(); ++at) {
    switch (rest[at]) {
      case ',':
      case '}': return at;
      case '{':
      case '"':
      case '\\': return 0;
      default: break;
    }
  }
  return 0;
}

/// Takes the next element from `rest`. False for what only the server reads: backslashes, blanks
/// around an element, other nesting.
inline bool take_element(std::string_view& rest, Element& element) {
  std::size_t end = 0;
  if (rest.front() == '"') {
    for (end = 1; end < rest.size() && rest[end] != '"' && rest[end] != '\\';) ++end;
    if (end == rest.size() || rest[end] == '\\') return false;
    element = {rest.substr(1, end - 1), false};
    ++end;
  } else {
    end = bare_size(rest);
    const std::string_view text = rest.substr(0, end);
    if (text.empty() || is_blank(text.front()) || is_blank(text.back())) return false;
    element = {text, is_null_word(text)};
  }
  rest.remove_prefix(end);
  return !rest.empty();
}

/// Reads arrays in arrays, all of a level with the same number of elements.
class ArrayReader {
 public:
  static constexpr std::size_t dimensions_max = 6;  // MAXDIM of utils/array.h

  /// `text` begins with as many braces as there are dimensions.
  ArrayReader(std::string_view text, std::size_t dimensions, Encode element_codec, char* out)
      : rest_(text), dimensions_(dimensions), element_codec_(element_codec), out_(out) {}

  /// The place behind the elements; nullptr where only the server reads the text.
  char* read() { return read_level(0) && rest_.empty() ? out_ : nullptr; }

  bool has_null() const { return has_null_; }
  std::int32_t length(std::size_t dimension) const { return lengths_[dimension]; }

 private:
  bool read_level(std::size_t level) {
    if (!rest_.starts_with('{')) return false;
    std::int32_t count = 0;
    do {
      rest_.remove_prefix(1);
      const bool is_read =
          !rest_.empty() && (level + 1 == dimensions_ ? read_element() : read_level(level + 1));
      if (!is_read) return false;
      ++count;
    } while (rest_.starts_with(','));
    if (!rest_.starts_with('}')) return false;
    rest_.remove_prefix(1);
    if (lengths_[level] == 0) lengths_[level] = count;
    return lengths_[level] == count;
  }

  bool read_element() {
    Element element;
    if (!take_element(rest_, element)) return false;
    if (element.null) {
      out_ = store_big_endian(out_, std::int32_t{-1});
      has_null_ = true;
      return true;
    }
    char* const end = element_codec_(element.text.data(), element.text.size(), out_ + 4);
    if (end == nullptr) return false;
    store_big_endian(out_, static_cast<std::int32_t>(end - out_ - 4));
    out_ = end;
    return true;
  }

  std::string_view rest_;
  std::size_t dimensions_;
  Encode element_codec_;
  char* out_;
  bool has_null_ = false;
  std::int32_t lengths_[dimensions_max] = {};
};

}  // namespace detail

/// An array: array_recv of utils/adt/arrayfuncs.c reads the number of dimensions, whether there are
/// NULLs, the element's type, for each dimension its length and lower bound, then the elements,
/// each behind its length.
template <Encode element_codec, std::uint32_t element_type>
char* array(const char* text, std::size_t size, char* out) {
  const std::string_view all(text, size);
  if (size < 2 || all.front() != '{') return nullptr;
  const bool is_empty = all == "{}";
  const std::size_t dimensions = is_empty ? 0 : std::min(all.find_first_not_of('{'), size);
  if (dimensions > detail::ArrayReader::dimensions_max) return nullptr;
  detail::ArrayReader reader(all, dimensions, element_codec, out + 12 + 8 * dimensions);
  char* const end = is_empty ? out + 12 : reader.read();
  if (end == nullptr) return nullptr;
  out = store_big_endian(out, static_cast<std::int32_t>(dimensions));
  out = store_big_endian(out, std::int32_t{reader.has_null() ? 1 : 0});
  out = store_big_endian(out, element_type);
  for (std::size_t i = 0; i < dimensions; ++i) {
    out = store_big_endian(out, reader.length(i));
    out = store_big_endian(out, std::int32_t{1});
  }
  return end;
}

}  // namespace sluice::tuple::codecs
