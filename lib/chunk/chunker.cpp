#include "chunk/chunker.hpp"

#include <algorithm>
#include <cstring>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"
#include "chunk/tally.hpp"
#include "source/transcoder.hpp"
#include "source/unreadable.hpp"

namespace sluice::chunk {
namespace {

/// `lines_max` is 0 for any number.
bool has_too_many_lines(std::string_view record, csv::LineEnd line_end, std::uint64_t lines_max) {
  return lines_max > 0 && csv::count_line_ends(record, line_end) > lines_max;
}

/// The record at that line is more than it may be.
source::Unreadable failure_of(csv::OddLine::Kind why, const std::string& where,
                              const ChunkerOptions& options, bool is_open) {
  const bool in_lines = why == csv::OddLine::Kind::too_many_lines;
  return source::Unreadable(
      FailureKind::bad_record,
      where + ": the record that begins here " +
          (in_lines ? "has more than " + std::to_string(options.record_lines_max) + " lines"
                    : "is larger than " + format_bytes(options.record_bytes_max)) +
          (is_open ? "; a quote in it is still open" : "") +
          (in_lines ? " (see --max-record-lines, --quote)" : " (see --max-record-bytes, --quote)"),
      options.cuts_open_records ? "with a larger --max-record-bytes"
                                : "with --max-rejects, or with other limits of a record,");
}

}  // namespace

std::size_t behind_odd_lines(const Chunk& chunk, std::size_t place) {
  auto line = std::ranges::lower_bound(chunk.odd_lines, place, {}, &csv::OddLine::begin);
  for (; line != chunk.odd_lines.end() && line->begin == place; ++line) place = line->behind;
  return place;
}

Position PositionCounter::at(std::size_t offset, std::uint64_t record) {
  const std::string_view bytes = chunk_.bytes().substr(offset_, offset - offset_);
  lines_ += csv::count_line_ends(bytes, line_end_);
  origin_ += chunk_.encoding == nullptr
                 ? bytes.size()
                 : source::Untranscoder(*chunk_.encoding).bytes_of(bytes).size();
  offset_ = offset;
  return {origin_, chunk_.start.line + lines_, chunk_.start.record + record};
}

std::size_t bytes_of_chunk(std::int64_t number, std::size_t chunk_bytes) {
  static constexpr std::int64_t steps = 3;
  if (number >= steps) return chunk_bytes;
  return std::max(chunk_bytes >> (steps - number),
                  std::min(chunk_bytes, limits::first_chunk_bytes));
}

Chunker::Chunker(source::Source& source, Preamble preamble, ChunkerOptions options)
    : source_(source),
      options_(std::move(options)),
      line_end_(preamble.line_end),
      lexer_(options_.dialect, line_end_, options_.form),
      next_start_(preamble.start),
      next_origin_(preamble.origin),
      next_number_(options_.first_number),
      records_left_(options_.records_max) {
  if (options_.footer_lines == 0) {
    carry_ = std::move(preamble.read_ahead);
    carry_used_ = preamble.read_ahead_begin;
  } else {
    footer_.emplace(source_, std::move(preamble.read_ahead),
                    Footer::Options{.lines = options_.footer_lines,
                                    .line_end = line_end_,
                                    .bytes_max = options_.record_bytes_max});
  }
}

bool Chunker::next(Chunk& chunk) {
  if (records_left_ == 0) return false;
  const std::size_t wanted = bytes_max();
  start(chunk);
  std::size_t size = read_window(chunk, wanted);
  if (size == 0) return false;
  const std::size_t end = choose_end(chunk, size, wanted);
  if (end == 0) return false;
  close(chunk, end, size);
  records_left_ -= chunk.records;
  next_start_.byte_offset += chunk.size;
  next_start_.line += chunk.lines;
  next_start_.record += chunk.records;
  return true;
}

void Chunker::start(Chunk& chunk) {
  chunk.buffer.shrink(2 * options_.chunk_bytes + 2 * csv::Scanner::padding);
  chunk.buffer.reserve(bytes_max() + csv::Scanner::padding);
  chunk.index.shrink(4 * (entries_max() + limits::scan_slice_bytes));
  chunk.odd_lines.clear();
  chunk.unterminated_quote = false;
  chunk.lacks_line_end = false;
  lexer_.start();
  read_now_ = 0;
  ended_ = false;
}

/// Reads what a chunk may have, and finds its structure. Returns how much that is.
std::size_t Chunker::read_window(Chunk& chunk, std::size_t wanted) {
  std::size_t size = 0;
  while (size < wanted && !ended_ && chunk.index.size() <= entries_max()) {
    size = fill(chunk.buffer, size, std::min(wanted, size + limits::scan_slice_bytes));
    scan(chunk, size, size);
  }
  return size;
}

/// Goes on with the structure, to a byte of the `size` that are there. Where the data end, nothing
/// of what is behind is there any more.
void Chunker::scan(Chunk& chunk, std::size_t& size, std::size_t to) {
  nothing_follows_ = to == size && ended_;
  lexer_.scan(chunk, to, nothing_follows_);
  if (!lexer_.end_of_data() || size == *lexer_.end_of_data()) return;
  size = *lexer_.end_of_data();
  carry_.clear();
  carry_used_ = 0;
  read_now_ = size;
  nothing_follows_ = ended_ = at_end_ = true;
}

/// Where the chunk ends: see the class. A record at its beginning that never ends becomes its first
/// line, and what fits behind that belongs to the chunk too.
std::size_t Chunker::choose_end(Chunk& chunk, std::size_t& size, std::size_t wanted) {
  for (std::size_t base = 0;;) {
    auto why = csv::OddLine::Kind::too_many_lines;
    const bool is_open = lexer_.state().in_quotes && options_.cuts_open_records;
    // Where the source ends here and nothing is too much, the rest is the chunk.
    const bool all = ended_ && size < wanted && chunk.index.size() <= entries_max() && !is_open;
    std::size_t end = all ? size : last_end(chunk);
    if (end <= base) end = lexer_.first_end(chunk, 0, nothing_follows_);
    if (end <= base) end = grow_to_record_end(chunk, base, size, why);
    if (size <= base) return base;  // the data end there
    if (end > base) end = before_too_many_lines(chunk, base, end);
    if (end > base) return end;
    base = cut(chunk, base, size, why);
    if (base >= std::min(size, wanted)) return base;
    scan(chunk, size, std::min(size, wanted));
    if (base >= size) return base;
  }
}

void Chunker::close(Chunk& chunk, std::size_t end, std::size_t size) {
  keep_rest(chunk, end, size);
  chunk.number = next_number_++;
  chunk.start = next_start_;
  chunk.size = end;
  const std::size_t entries =
      static_cast<std::size_t>(std::ranges::lower_bound(chunk.index, end) - chunk.index.begin());
  const Tally tally(lexer_, options_.dialect, line_end_, records_left_);
  const std::uint64_t records_behind = tally.record_ends(chunk, entries);
  chunk.index.truncate(entries);
  std::erase_if(chunk.odd_lines, [end](const csv::OddLine& line) { return line.begin >= end; });
  if (end == size && at_end_ && carry_used_ == carry_.size()) end_last_record(chunk);
  tally.count(chunk, records_behind);
  chunk.encoding = source_.encoding();
  const bool is_as_it_was = chunk.encoding == nullptr;
  chunk.origin = is_as_it_was ? chunk.start.byte_offset + source_.mark_bytes() : next_origin_;
  if (!is_as_it_was) next_origin_ = origin_behind();
  const auto packed = source_.packed();
  chunk.packed_bytes = packed ? packed->done - std::min(packed_read_, packed->done) : 0;
  packed_read_ += chunk.packed_bytes;
}

/// Where the source stands, less what was read of it and waits for the next chunks.
std::uint64_t Chunker::origin_behind() const {
  source::Untranscoder bytes(*source_.encoding());
  const std::string_view waiting = std::string_view(carry_).substr(carry_used_);
  const std::uint64_t origin = source_.origin() - bytes.bytes_of(waiting).size();
  return footer_ ? origin - bytes.bytes_of(footer_->waiting()).size() : origin;
}

/// How many entries of the index a chunk may have: rows of many short values are more work for
/// their bytes, in the encoder and in the server, and their tuples are longer than their text.
std::size_t Chunker::entries_max() const {
  return std::max(bytes_max() / limits::bytes_per_entry_min, limits::entries_min);
}

/// Puts bytes into buffer[from, to), first from the carry, then from the source. Returns where they
/// end; fewer than were asked for say that the source does.
std::size_t Chunker::fill(Buffer& buffer, std::size_t from, std::size_t to) {
  const std::size_t carried = std::min(to - from, carry_.size() - carry_used_);
  std::memcpy(buffer.bytes() + from, carry_.data() + carry_used_, carried);
  carry_used_ += carried;
  from += carried;
  if (from < to && !at_end_) {
    char* const into = buffer.bytes() + from;
    const std::size_t got =
        footer_ ? footer_->read(into, to - from) : source_.read(into, to - from);
    at_end_ = got < to - from;
    read_now_ += got;
    from += got;
  }
  ended_ = from < to;
  return from;
}

/// Behind the last record that fits a chunk, and the comments that follow it, or 0.
std::size_t Chunker::last_end(const Chunk& chunk) const {
  std::size_t end = 0;
  for (std::size_t i = std::min(chunk.index.size(), entries_max()); i > 0 && end == 0; --i) {
    if (lexer_.ends_record(chunk, chunk.index[i - 1], nothing_follows_))
      end = chunk.index[i - 1] + std::size_t{1};
  }
  return behind_odd_lines(chunk, end);
}

/// Reads on until the one record that is larger than a chunk ends. It begins at `base`, which is
/// returned where it never does.
std::size_t Chunker::grow_to_record_end(Chunk& chunk, std::size_t base, std::size_t& size,
                                        csv::OddLine::Kind& why_not) {
  for (;;) {
    const std::size_t entries = chunk.index.size();
    scan(chunk, size, size);
    // The last entry may have waited for what follows it.
    const std::size_t end =
        lexer_.first_end(chunk, entries > 0 ? entries - 1 : 0, nothing_follows_);
    if (end > base) return end;
    // Comments that no record follows yet.
    if (const std::size_t behind = behind_odd_lines(chunk, base); behind > base) return behind;
    // Behind what is scanned another record may begin.
    const std::string_view scanned(chunk.buffer.bytes() + base, lexer_.scanned() - base);
    const bool is_too_long = size - base > options_.record_bytes_max;
    if (is_too_long || has_too_many_lines(scanned, line_end_, options_.record_lines_max)) {
      why_not = is_too_long ? csv::OddLine::Kind::too_long : csv::OddLine::Kind::too_many_lines;
      return base;
    }
    if (ended_) {
      why_not = csv::OddLine::Kind::unterminated_quote;
      return options_.cuts_open_records && lexer_.state().in_quotes ? base : size;
    }
    const std::size_t wanted = std::min(size * 2, base + options_.record_bytes_max + 1);
    chunk.buffer.reserve(wanted + csv::Scanner::padding);
    size = fill(chunk.buffer, size, wanted);
  }
}

/// In front of the first record from `base` on that has more lines than it may have, or `end`.
std::size_t Chunker::before_too_many_lines(const Chunk& chunk, std::size_t base,
                                           std::size_t end) const {
  const std::string_view bytes(chunk.buffer.bytes(), end);
  const auto is_too_much = [this](std::string_view record) {
    return has_too_many_lines(record, line_end_, options_.record_lines_max);
  };
  if (!is_too_much(bytes.substr(base))) return end;
  std::size_t begin = base;
  for (const std::uint32_t place : chunk.index) {
    if (place >= end) break;
    if (!lexer_.ends_record(chunk, place, true)) continue;
    begin = behind_odd_lines(chunk, begin);
    if (is_too_much(bytes.substr(begin, place + 1 - begin))) return begin;
    begin = place + std::size_t{1};
  }
  begin = std::min(behind_odd_lines(chunk, begin), end);
  return is_too_much(bytes.substr(begin)) ? begin : end;
}

/// Makes the record at `base` its first line, which is bad. Returns what is behind it, where the
/// structure is to be found again.
std::size_t Chunker::cut(Chunk& chunk, std::size_t base, std::size_t size, csv::OddLine::Kind why) {
  const std::string_view bytes(chunk.buffer.bytes(), size);
  const std::uint64_t number =
      next_start_.line + csv::count_line_ends(bytes.substr(0, base), line_end_);
  const auto fail = [&](csv::OddLine::Kind kind) {
    throw failure_of(kind, at(source_.name(), number), options_, lexer_.state().in_quotes);
  };
  if (!options_.cuts_open_records) fail(why);
  const auto line = line_at(bytes, base, line_end_, ended_);
  if (!line || line->behind - base > options_.record_bytes_max) fail(csv::OddLine::Kind::too_long);
  chunk.index.clear();
  std::erase_if(chunk.odd_lines, [base](const csv::OddLine& odd) { return odd.begin >= base; });
  chunk.odd_lines.push_back({.begin = static_cast<std::uint32_t>(base),
                             .end = static_cast<std::uint32_t>(line->end),
                             .behind = static_cast<std::uint32_t>(line->behind),
                             .kind = why});
  lexer_.start(line->behind);
  return line->behind;
}

/// Lets the parser find a line end behind the source's last record, where it has none.
void Chunker::end_last_record(Chunk& chunk) {
  csv::ScanState& state = lexer_.state();
  const bool is_odd = !chunk.odd_lines.empty() && chunk.odd_lines.back().behind == chunk.size;
  const bool ended = chunk.index.size() > 0 && !state.in_quotes &&
                     chunk.index[chunk.index.size() - 1] + std::size_t{1} == chunk.size &&
                     lexer_.ends_record(chunk, chunk.size - 1, true);
  if (ended) return;
  if (is_odd) {
    chunk.lacks_line_end = chunk.odd_lines.back().end == chunk.size;
    return;
  }
  chunk.lacks_line_end = true;
  chunk.unterminated_quote = state.in_quotes;
  ++(line_end_ == csv::LineEnd::cr ? state.carriage_returns : state.line_feeds);
  std::size_t place = chunk.size;
  for (const char c : csv::text_of(line_end_)) {
    chunk.buffer.bytes()[place] = c;
    chunk.index.push_back(static_cast<std::uint32_t>(place++));
  }
}

/// Bytes behind the chunk's end wait for the next chunk.
void Chunker::keep_rest(const Chunk& chunk, std::size_t end, std::size_t size) {
  if (read_now_ == 0) {
    carry_used_ -= size - end;
  } else {
    carry_.assign(chunk.buffer.bytes() + end, size - end);
    carry_used_ = 0;
  }
}

}  // namespace sluice::chunk
