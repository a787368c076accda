#include "migrate/sql_error.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/sql_state.hpp"

namespace sluice::migrate {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Of "LINE 12: text"; libpq's words are English here, as the program sets no locale.
std::size_t line_number(std::string_view line) {
  constexpr std::string_view prefix = "LINE ";
  std::size_t number = 0;
  if (line.starts_with(prefix)) {
    const char* const digits = line.data() + prefix.size();
    std::from_chars(digits, line.data() + line.size(), number);
  }
  return number;
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// The byte behind so many characters.
std::size_t byte_of_character(std::string_view text, std::size_t characters) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (continues_character(text[at])) continue;
    if (characters == 0) break;
    --characters;
  }
  return at;
}

}  // namespace

SqlError::SqlError(std::string state, const std::string& message)
    : std::runtime_error(message),
      state_(std::move(state)),
      lost_(nature_of(SqlState(state_)) == ErrorNature::lost) {
  const std::vector<std::string> lines = lines_of(message);
  constexpr std::string_view ellipsis = "...";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (i == 0) {
      const std::size_t severity = line.find(":  ");
      primary_ = severity == std::string::npos ? line : line.substr(severity + 3);
    } else if (line_ == 0 && line_number(line) > 0 && i + 1 < lines.size()) {
      line_ = line_number(line);
      const std::size_t text_begin = line.find(": ") + 2;
      shown_ = line.substr(text_begin);
      const std::size_t caret = lines[++i].find('^');
      caret_ = caret == std::string::npos || caret < text_begin ? 0 : caret - text_begin;
      if (shown_.starts_with(ellipsis)) {
        shown_.erase(0, ellipsis.size());
        caret_ -= std::min(caret_, ellipsis.size());
      }
      if (shown_.ends_with(ellipsis)) shown_.resize(shown_.size() - ellipsis.size());
    } else if (!line.empty()) {
      rest_ += (rest_.empty() ? "" : "\n") + line;
    }
  }
}

bool SqlError::is_transient() const {
  return nature_of(SqlState(state_)) == ErrorNature::transient;
}

std::optional<script::Place> SqlError::place_in(std::string_view sent) const {
  if (line_ == 0) return std::nullopt;
  std::vector<std::string> lines = lines_of(sent);
  if (line_ > lines.size()) return std::nullopt;
  std::string& line = lines[line_ - 1];
  std::ranges::replace(line, '\t', ' ');  // as libpq shows it
  const std::size_t begin = line.find(shown_);
  if (begin == std::string::npos) return script::Place{line_, 1};
  return script::Place{line_, begin + byte_of_character(shown_, caret_) + 1};
}

}  // namespace sluice::migrate
