#pragma once

#include <cstddef>
#include <string_view>

namespace sluice {

/// A byte of UTF-8 that is not the first one of its character.
inline bool is_inside_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// Characters in well-formed UTF-8.
std::size_t count_characters(std::string_view text);

/// How many bytes of a text are whole characters and no more than so many bytes.
std::size_t whole_characters(std::string_view text, std::size_t bytes_max);

/// Where the character begins that has so many in front of it: the text's size where there are
/// fewer.
std::size_t byte_of_character(std::string_view text, std::size_t characters);

/// How many columns of a terminal a text takes: characters of East Asia take two.
std::size_t terminal_columns(std::string_view text);

/// How many bytes of a text are whole characters and take no more than so many columns.
std::size_t bytes_of_columns(std::string_view text, std::size_t columns_max);

}  // namespace sluice
