#include "chunk/separator_line.hpp"

#include <algorithm>

namespace sluice::chunk {

std::optional<SeparatorLine> separator_line(std::string_view text) {
  std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  const std::size_t size = line.size();
  if (line.size() == 7 && line.front() == '"' && line.back() == '"') line = line.substr(1, 5);
  static constexpr std::string_view word = "sep=";
  const auto equal = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  if (line.size() != word.size() + 1 || !std::ranges::equal(line.substr(0, 4), word, equal))
    return std::nullopt;
  const char c = line.back();
  const bool is_plain = (c > ' ' && c < '\x7f') || c == '\t';
  const bool is_word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  if (!is_plain || is_word || c == '"') return std::nullopt;
  return SeparatorLine{c, size};
}

}  // namespace sluice::chunk
