#include "base/characters.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice {

std::size_t count_characters(std::string_view text) {
  return text.size() - static_cast<std::size_t>(std::ranges::count_if(text, is_inside_character));
}

std::size_t whole_characters(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text.size();
  std::size_t size = bytes_max;
  while (size > 0 && is_inside_character(text[size])) --size;
  return size;
}

std::size_t byte_of_character(std::string_view text, std::size_t characters) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (is_inside_character(text[at])) continue;
    if (characters == 0) break;
    --characters;
  }
  return at;
}

std::size_t terminal_columns(std::string_view text) {
  // fmt knows how wide characters are, and fills up to a width.
  const std::size_t width = 2 * count_characters(text) + 1;
  const std::size_t filled = fmt::formatted_size("{:<{}}", text, width);
  return width - (filled - text.size());
}

std::size_t bytes_of_columns(std::string_view text, std::size_t columns_max) {
  std::size_t columns = 0;
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const std::size_t size = byte_of_character(text.substr(bytes), 1);
    columns += terminal_columns(text.substr(bytes, size));
    if (columns > columns_max) break;
    bytes += size;
  }
  return bytes;
}

}  // namespace sluice
