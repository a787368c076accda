#include "chunk/text_format.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace sluice::chunk {
namespace {

/// What one line says.
struct LineSigns {
  std::size_t delimiters = 0;
  bool has_null = false;   ///< a value that is \N
  bool has_quote = false;  ///< a value that begins with one
};

LineSigns signs_of(std::string_view line, std::string_view delimiter) {
  LineSigns signs;
  for (std::size_t begin = 0; begin <= line.size();) {
    std::size_t end = begin;
    while (end < line.size() && !line.substr(end).starts_with(delimiter))
      end += line[end] == '\\' ? 2 : 1;
    end = std::min(end, line.size());
    const std::string_view value = line.substr(begin, end - begin);
    signs.has_null = signs.has_null || value == "\\N";
    signs.has_quote = signs.has_quote || value.starts_with('"');
    if (end == line.size()) break;
    ++signs.delimiters;
    begin = end + delimiter.size();
  }
  return signs;
}

}  // namespace

bool looks_like_text(std::string_view beginning, const csv::Dialect& text) {
  const std::string_view delimiter = text.delimiter.text();
  bool has_null = false;
  std::optional<std::size_t> delimiters;
  bool are_equal = true;
  while (!beginning.empty()) {
    const std::size_t end = beginning.find_first_of("\r\n");
    // The last line may go on behind what was read.
    if (end == std::string_view::npos && delimiters) break;
    const std::string_view line = beginning.substr(0, end);
    beginning.remove_prefix(end == std::string_view::npos ? beginning.size() : end + 1);
    if (line == "\\.") return true;
    if (line.empty()) continue;
    const LineSigns signs = signs_of(line, delimiter);
    if (signs.has_quote) return false;
    has_null = has_null || signs.has_null;
    are_equal = are_equal && (!delimiters || *delimiters == signs.delimiters);
    delimiters = signs.delimiters;
  }
  if (has_null) return true;
  return text.delimiter == csv::Delimiter('\t') && are_equal && delimiters.value_or(0) > 0;
}

}  // namespace sluice::chunk
