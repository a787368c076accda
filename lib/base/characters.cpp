#include "base/characters.hpp"

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

}  // namespace sluice
