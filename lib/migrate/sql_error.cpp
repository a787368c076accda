#include "migrate/sql_error.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/characters.hpp"
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

/// As libpq counts: a CR ends a line as well, and an LF behind it ends no other one.
std::optional<std::size_t> begin_of_line(std::string_view text, std::size_t number) {
  if (number == 0) return std::nullopt;
  std::size_t line = 1;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\r' && text[at] != '\n') continue;
    const bool goes_on = text[at] == '\n' && at > 0 && text[at - 1] == '\r';
    if (line == number && !goes_on) return begin;
    if (!goes_on) ++line;
    begin = at + 1;
  }
  return line == number ? std::optional(begin) : std::nullopt;
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

std::optional<std::size_t> SqlError::offset_in(std::string_view sent) const {
  const std::optional<std::size_t> line_begin = begin_of_line(sent, line_);
  if (!line_begin) return std::nullopt;
  const std::size_t line_end = std::min(sent.find_first_of("\r\n", *line_begin), sent.size());
  std::string line(sent.substr(*line_begin, line_end - *line_begin));
  std::ranges::replace(line, '\t', ' ');  // as libpq shows it
  const std::size_t begin = line.find(shown_);
  if (begin == std::string::npos) return line_begin;
  return *line_begin + begin + byte_of_character(shown_, caret_);
}

}  // namespace sluice::migrate
