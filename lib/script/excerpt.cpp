#include "script/excerpt.hpp"

#include <algorithm>

namespace sluice::script {

std::string excerpt(std::string_view statement) {
  constexpr std::size_t lines_max = 4;
  constexpr std::size_t bytes_max = 300;
  std::string shown;
  std::size_t at = 0;
  for (std::size_t line = 0; line < lines_max && at < statement.size(); ++line) {
    const std::size_t end = std::min(statement.find('\n', at), statement.size());
    shown += "\n  | ";
    shown += statement.substr(at, std::min(end - at, bytes_max));
    at = end + 1;
  }
  return at < statement.size() ? shown + "\n  | ..." : shown;
}

}  // namespace sluice::script
