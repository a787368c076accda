#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::tuple {

/// What a rule makes of a text.
struct Rewriting {
  enum class Kind : std::uint8_t {
    as_is,      ///< it is left to the codecs and the server
    rewritten,  ///< `text` stands for it
    refused,    ///< the server could take it for another value
  };
  Kind kind = Kind::as_is;
  std::string_view text = {};
};

/// Bytes that a rule may write more than the text has.
inline constexpr std::size_t rewriting_slack = 48;

/// Without what the input functions of numbers, booleans and dates skip at both ends.
constexpr std::string_view without_white_space(std::string_view text) {
  constexpr std::string_view white_space = " \t\n\v\f\r";
  const std::size_t begin = text.find_first_not_of(white_space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(white_space) + 1 - begin);
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace sluice::tuple
