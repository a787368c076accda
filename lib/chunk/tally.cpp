#include "chunk/tally.hpp"

#include <xxhash.h>

#include <algorithm>

#include "base/limits.hpp"

namespace sluice::chunk {

std::uint64_t Tally::record_ends(const Chunk& chunk, std::size_t from_entry) const {
  std::uint64_t count = 0;
  for (std::size_t i = from_entry; i < chunk.index.size(); ++i)
    count += lexer_.ends_record(chunk, chunk.index[i], true) ? 1 : 0;
  return count;
}

void Tally::count(Chunk& chunk, std::uint64_t records_behind) const {
  const csv::ScanState& state = lexer_.state();
  const char* const bytes = chunk.buffer.bytes();
  const std::uint64_t ends = line_end_ == csv::LineEnd::cr ? state.carriage_returns
                             : line_end_ == csv::LineEnd::any
                                 ? state.line_feeds + state.carriage_returns - state.pairs
                                 : state.line_feeds;
  chunk.records =
      ends - records_behind +
      static_cast<std::uint64_t>(std::ranges::count_if(chunk.odd_lines, &csv::OddLine::is_record));
  if (chunk.records > records_max_) limit_records(chunk);
  // Outside quotes each line is a record.
  chunk.lines = chunk.records;
  const bool is_plain = state.quotes == 0 && !dialect_.escapes_everywhere() &&
                        chunk.odd_lines.empty() &&
                        csv::text_of(line_end_).back() == bytes[chunk.size - 1];
  if (!is_plain) chunk.lines = csv::count_line_ends(chunk.bytes(), line_end_);
  chunk.longest = {};
  if (chunk.lines > chunk.records + limits::record_lines_usual) find_longest(chunk);
  chunk.digest = XXH3_64bits(bytes, chunk.size);
}

void Tally::limit_records(Chunk& chunk) const {
  std::uint64_t left = records_max_;
  std::size_t entry = 0;
  auto odd = chunk.odd_lines.begin();
  std::size_t behind = 0;
  while (left > 0) {
    while (entry < chunk.index.size() && !lexer_.ends_record(chunk, chunk.index[entry], true))
      ++entry;
    const std::size_t place = entry < chunk.index.size() ? chunk.index[entry] : chunk.size;
    if (odd != chunk.odd_lines.end() && odd->begin <= place) {
      if (odd->is_record()) --left;
      behind = odd++->behind;
    } else {
      --left;
      ++entry;
      behind = place + 1;
    }
  }
  chunk.records = records_max_;
  chunk.unterminated_quote = chunk.unterminated_quote && behind > chunk.size;
  chunk.size = std::min(chunk.size, behind);
  chunk.index.truncate(entry);
  chunk.odd_lines.erase(odd, chunk.odd_lines.end());
}

/// The record with most lines, of which there are unusually many.
void Tally::find_longest(Chunk& chunk) const {
  std::size_t begin = 0;
  std::uint64_t line = chunk.start.line;
  const auto count_lines = [&](std::size_t behind) {
    return csv::count_line_ends(chunk.bytes().substr(begin, behind - begin), line_end_);
  };
  for (const std::uint32_t place : chunk.index) {
    if (!lexer_.ends_record(chunk, place, true)) continue;
    const std::size_t first = std::min(behind_odd_lines(chunk, begin), chunk.size);
    line += count_lines(first);
    begin = first;
    const std::size_t behind = std::min(place + std::size_t{1}, chunk.size);
    const std::uint64_t lines = count_lines(behind);
    if (lines > limits::record_lines_usual && lines > chunk.longest.lines)
      chunk.longest = {lines, line};
    line += lines;
    begin = behind;
  }
}

}  // namespace sluice::chunk
