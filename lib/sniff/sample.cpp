#include "sniff/sample.hpp"

#include <algorithm>
#include <cstring>

#include "chunk/chunk.hpp"
#include "chunk/lexer.hpp"

namespace sluice::sniff {
namespace {

/// As the chunker does it: a line end that is missing at the source's end stands behind the text.
void end_last_record(chunk::Chunk& chunk, csv::LineEnd line_end, const csv::ScanState& state) {
  chunk.unterminated_quote = state.in_quotes;
  std::size_t place = chunk.size;
  for (const char c : csv::text_of(line_end)) {
    chunk.buffer.bytes()[place] = c;
    chunk.index.push_back(static_cast<std::uint32_t>(place++));
  }
}

/// Quotes that open neither at the beginning of a value, nor behind the one that they double.
std::size_t odd_quotes(const chunk::Chunk& chunk, const csv::Dialect& dialect) {
  if (!dialect.has_quotes()) return 0;
  const char* const bytes = chunk.buffer.bytes();
  const auto is_odd = [&](std::uint32_t place) {
    if (bytes[place] != dialect.quote || place == 0) return false;
    std::size_t at = place - 1;
    while (at > 0 && bytes[at] == ' ' && dialect.delimiter.last() != ' ') --at;
    const char before = bytes[at];
    // Two values in quotes with blanks between them: these are no part of a value.
    if (before == dialect.quote && at + 1 < place) return true;
    return before != dialect.quote && before != '\n' && before != '\r' &&
           before != dialect.delimiter.last();
  };
  return static_cast<std::size_t>(std::ranges::count_if(chunk.index, is_odd));
}

/// Behind the last record that is whole. Looked for from the end in steps that double: each entry
/// of a line of many values is met a few times.
std::size_t end_of_records(const chunk::Chunk& chunk, const chunk::Lexer& lexer, bool at_end) {
  const std::size_t entries = chunk.index.size();
  std::size_t last = 0;
  for (std::size_t back = 1; last == 0; back *= 2) {
    std::size_t entry = entries - std::min(back, entries);
    while (const std::size_t end = lexer.first_end(chunk, entry, at_end)) {
      last = end;
      entry = static_cast<std::size_t>(std::ranges::lower_bound(chunk.index, end) -
                                       chunk.index.begin());
    }
    if (back >= entries) break;
  }
  return last;
}

}  // namespace

Sample Sample::behind_lines(std::size_t lines) const {
  std::size_t at = 0;
  for (; lines > 0; --lines) {
    const std::size_t end = bytes_.find_first_of("\r\n", at);
    if (end == std::string::npos) return {"", is_whole_};
    at = bytes_.compare(end, 2, "\r\n") == 0 ? end + 2 : end + 1;
  }
  return {bytes_.substr(at), is_whole_};
}

std::size_t Sample::read(const csv::Dialect& dialect, csv::LineEnd line_end,
                         const std::function<bool(const csv::Record&)>& take) const {
  chunk::Chunk chunk;
  chunk.buffer.reserve(bytes_.size() + 2 + csv::Scanner::padding);
  std::memcpy(chunk.buffer.bytes(), bytes_.data(), bytes_.size());
  chunk.size = bytes_.size();
  chunk::Lexer lexer(dialect, line_end, csv::Scanner::Form::automatic);
  lexer.start();
  lexer.scan(chunk, chunk.size, is_whole_);
  std::size_t end = end_of_records(chunk, lexer, is_whole_);
  const bool is_cut_short = is_whole_ && !lexer.end_of_data() && end < chunk.size &&
                            chunk::behind_odd_lines(chunk, end) < chunk.size;
  if (is_cut_short) {
    end_last_record(chunk, line_end, lexer.state());
  } else {
    chunk.index.truncate(
        static_cast<std::size_t>(std::ranges::lower_bound(chunk.index, end) - chunk.index.begin()));
    chunk.size = end;
    std::erase_if(chunk.odd_lines, [end](const csv::OddLine& line) { return line.begin >= end; });
  }
  csv::Parser parser(dialect, line_end);
  parser.start(chunk.parse_input());
  csv::Record record;
  while (parser.next(record) && take(record)) {
  }
  return odd_quotes(chunk, dialect);
}

}  // namespace sluice::sniff
