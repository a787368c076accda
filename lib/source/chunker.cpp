#include "source/chunker.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "base/failure.hpp"
#include "base/quantity.hpp"

namespace sluice::source {

Position Chunk::position_of(std::size_t offset, std::uint64_t record, csv::LineEnd line_end) const {
  const std::string_view before = bytes().substr(0, offset);
  const auto lines_before = std::ranges::count(before, line_end == csv::LineEnd::cr ? '\r' : '\n');
  return {start.byte_offset + offset, start.line + static_cast<std::uint64_t>(lines_before),
          start.record + record};
}

Chunker::Chunker(Source& source, Preamble preamble, ChunkerOptions options)
    : source_(source),
      options_(std::move(options)),
      line_end_(preamble.line_end),
      last_of_end_(preamble.line_end == csv::LineEnd::cr ? '\r' : '\n'),
      scanner_(options_.dialect, options_.form),
      next_start_(preamble.start),
      records_left_(options_.records_max),
      carry_(std::move(preamble.read_ahead)) {}

bool Chunker::next(Chunk& chunk) {
  if (records_left_ == 0) return false;
  const std::size_t wanted = options_.chunk_bytes;
  chunk.buffer.shrink(2 * wanted + 2 * csv::Scanner::padding);
  chunk.buffer.reserve(wanted + csv::Scanner::padding, 0);
  chunk.index.clear();
  chunk.unterminated_quote = false;
  scan_state_ = {};
  read_now_ = 0;

  std::size_t size = fill(chunk.buffer, 0, wanted);
  if (size == 0) return false;
  scanner_.scan(chunk.buffer.bytes(), 0, size, scan_state_, chunk.index);
  // Fewer bytes than wanted: the source ends here, and the rest is the chunk.
  std::size_t end = size < wanted ? size : last_record_end(chunk, wanted);
  if (end == 0) end = grow_to_record_end(chunk, size);
  keep_rest(chunk, end, size);
  chunk.number = next_number_++;
  chunk.start = next_start_;
  chunk.size = end;
  chunk.index.resize(
      static_cast<std::size_t>(std::ranges::lower_bound(chunk.index, end) - chunk.index.begin()));
  if (end == size && at_end_ && carry_used_ == carry_.size()) end_last_record(chunk);
  count(chunk);

  records_left_ -= chunk.records;
  next_start_.byte_offset += chunk.size;
  next_start_.line += chunk.lines;
  next_start_.record += chunk.records;
  return true;
}

/// Puts bytes into buffer[from, to), first from the carry, then from the source. Returns where they
/// end.
std::size_t Chunker::fill(Buffer& buffer, std::size_t from, std::size_t to) {
  const std::size_t carried = std::min(to - from, carry_.size() - carry_used_);
  std::memcpy(buffer.bytes() + from, carry_.data() + carry_used_, carried);
  carry_used_ += carried;
  from += carried;
  if (from < to && !at_end_) {
    const std::size_t got = source_.read(buffer.bytes() + from, to - from);
    at_end_ = got < to - from;
    read_now_ += got;
    from += got;
  }
  return from;
}

std::size_t Chunker::last_record_end(const Chunk& chunk, std::size_t limit) const {
  for (auto place = chunk.index.rbegin(); place != chunk.index.rend(); ++place) {
    if (*place < limit && chunk.buffer.bytes()[*place] == last_of_end_)
      return *place + std::size_t{1};
  }
  return 0;
}

std::size_t Chunker::first_record_end(const Chunk& chunk, std::size_t from_entry) const {
  for (std::size_t i = from_entry; i < chunk.index.size(); ++i) {
    if (chunk.buffer.bytes()[chunk.index[i]] == last_of_end_)
      return chunk.index[i] + std::size_t{1};
  }
  return 0;
}

/// Reads on until the one record that is larger than a chunk ends.
std::size_t Chunker::grow_to_record_end(Chunk& chunk, std::size_t& size) {
  for (;;) {
    if (at_end_ && carry_used_ == carry_.size()) return size;
    const std::size_t entries = chunk.index.size();
    const std::size_t scanned = size;
    const std::size_t wanted = std::min(size * 2, options_.record_bytes_max + 1);
    chunk.buffer.reserve(wanted + csv::Scanner::padding, size);
    size = fill(chunk.buffer, size, wanted);
    scanner_.scan(chunk.buffer.bytes(), scanned, size, scan_state_, chunk.index);
    const std::size_t end = first_record_end(chunk, entries);
    if (end == 0 && size > options_.record_bytes_max) {
      throw Failure(FailureKind::bad_record,
                    at(source_.name(), next_start_.line) +
                        ": the record that begins here is larger than " +
                        format_bytes(options_.record_bytes_max) +
                        (scan_state_.in_quotes ? "; a quote in it is still open" : "") +
                        " (see --max-record-bytes, --quote)");
    }
    if (end != 0) return end;
  }
}

/// Lets the parser find a line end behind the source's last record, where it has none.
void Chunker::end_last_record(Chunk& chunk) {
  char* const behind = chunk.buffer.bytes() + chunk.size;
  const bool ended = chunk.size > 0 && behind[-1] == last_of_end_ && !scan_state_.in_quotes;
  if (ended) return;
  chunk.unterminated_quote = scan_state_.in_quotes;
  std::size_t place = chunk.size;
  if (line_end_ == csv::LineEnd::crlf) {
    chunk.buffer.bytes()[place] = '\r';
    chunk.index.push_back(static_cast<std::uint32_t>(place++));
  }
  chunk.buffer.bytes()[place] = last_of_end_;
  chunk.index.push_back(static_cast<std::uint32_t>(place));
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

/// Counts records and lines, cuts what is beyond --limit, and hashes the rest.
void Chunker::count(Chunk& chunk) const {
  const char* const bytes = chunk.buffer.bytes();
  chunk.records = 0;
  for (std::size_t entry = 0; entry < chunk.index.size(); ++entry) {
    const std::size_t place = chunk.index[entry];
    if (bytes[place] != last_of_end_) continue;
    if (++chunk.records < records_left_) continue;
    chunk.size = std::min(chunk.size, place + 1);
    chunk.index.resize(entry + 1);
    chunk.unterminated_quote = chunk.unterminated_quote && place >= chunk.size;
  }
  chunk.lines = static_cast<std::uint64_t>(std::count(bytes, bytes + chunk.size, last_of_end_));
  chunk.digest = XXH3_64bits(bytes, chunk.size);
}

}  // namespace sluice::source
