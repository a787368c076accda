#include "chunk/chunker.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"
#include "source/transcoder.hpp"

namespace sluice::chunk {
namespace {

/// How many bytes are `c`; the loop is one that GCC vectorises, at a level that it does so.
[[gnu::optimize("O3")]] std::uint64_t count_bytes(std::string_view bytes, char c) {
  std::uint64_t count = 0;
  for (const char byte : bytes) count += byte == c ? 1U : 0U;
  return count;
}

}  // namespace

Position PositionCounter::at(std::size_t offset, std::uint64_t record) {
  const std::string_view bytes = chunk_.bytes().substr(offset_, offset - offset_);
  lines_ += count_bytes(bytes, last_of_end_);
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
      last_of_end_(preamble.line_end == csv::LineEnd::cr ? '\r' : '\n'),
      scanner_(options_.dialect, options_.form),
      next_start_(preamble.start),
      next_origin_(preamble.origin),
      records_left_(options_.records_max),
      carry_(std::move(preamble.read_ahead)) {}

bool Chunker::next(Chunk& chunk) {
  if (records_left_ == 0) return false;
  const std::size_t wanted = bytes_max();
  chunk.buffer.shrink(2 * options_.chunk_bytes + 2 * csv::Scanner::padding);
  chunk.buffer.reserve(wanted + csv::Scanner::padding);
  chunk.index.shrink(4 * (entries_max() + limits::scan_slice_bytes));
  chunk.unterminated_quote = false;
  chunk.lacks_line_end = false;
  scan_state_ = {};
  read_now_ = 0;

  std::size_t size = 0;
  bool ended = false;
  while (size < wanted && !ended && chunk.index.size() <= entries_max()) {
    const std::size_t to = std::min(wanted, size + limits::scan_slice_bytes);
    const std::size_t got = fill(chunk.buffer, size, to);
    scanner_.scan(chunk.buffer.bytes(), size, got, scan_state_, chunk.index);
    ended = got < to;
    size = got;
  }
  if (size == 0) return false;
  // Where the source ends here and nothing is too much, the rest is the chunk.
  const bool all = ended && chunk.index.size() <= entries_max();
  std::size_t end = all ? size : last_record_end(chunk);
  if (end == 0) end = first_record_end(chunk, 0);
  if (end == 0) end = grow_to_record_end(chunk, size);
  keep_rest(chunk, end, size);
  chunk.number = next_number_++;
  chunk.start = next_start_;
  chunk.size = end;
  const std::size_t entries =
      static_cast<std::size_t>(std::ranges::lower_bound(chunk.index, end) - chunk.index.begin());
  const std::uint64_t records_behind = record_ends(chunk, entries);
  chunk.index.truncate(entries);
  if (end == size && at_end_ && carry_used_ == carry_.size()) end_last_record(chunk);
  count(chunk, records_behind);
  chunk.encoding = source_.encoding();
  chunk.origin = next_origin_;
  if (chunk.encoding != nullptr) next_origin_ = origin_behind();
  const auto packed = source_.packed();
  chunk.packed_bytes = packed ? packed->done - std::min(packed_read_, packed->done) : 0;
  packed_read_ += chunk.packed_bytes;

  records_left_ -= chunk.records;
  next_start_.byte_offset += chunk.size;
  next_start_.line += chunk.lines;
  next_start_.record += chunk.records;
  return true;
}

/// Where the source stands, less what was read of it and waits for the next chunks.
std::uint64_t Chunker::origin_behind() const {
  const std::string_view waiting = std::string_view(carry_).substr(carry_used_);
  return source_.origin() - source::Untranscoder(*source_.encoding()).bytes_of(waiting).size();
}

/// How many entries of the index a chunk may have: rows of many short values are more work for
/// their bytes, in the encoder and in the server, and their tuples are longer than their text.
std::size_t Chunker::entries_max() const {
  return std::max(bytes_max() / limits::bytes_per_entry_min, limits::entries_min);
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

/// Behind the last record that fits a chunk, or 0.
std::size_t Chunker::last_record_end(const Chunk& chunk) const {
  for (std::size_t i = std::min(chunk.index.size(), entries_max()); i > 0; --i) {
    if (chunk.buffer.bytes()[chunk.index[i - 1]] == last_of_end_)
      return chunk.index[i - 1] + std::size_t{1};
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
    chunk.buffer.reserve(wanted + csv::Scanner::padding);
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
  chunk.lacks_line_end = true;
  chunk.unterminated_quote = scan_state_.in_quotes;
  ++(line_end_ == csv::LineEnd::cr ? scan_state_.carriage_returns : scan_state_.line_feeds);
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

std::uint64_t Chunker::record_ends(const Chunk& chunk, std::size_t from_entry) const {
  std::uint64_t count = 0;
  for (std::size_t i = from_entry; i < chunk.index.size(); ++i)
    count += chunk.buffer.bytes()[chunk.index[i]] == last_of_end_ ? 1 : 0;
  return count;
}

/// Counts records and lines, cuts what is beyond --limit, and hashes the rest. The scan has counted
/// records too; `records_behind` of them lie behind the chunk's end.
void Chunker::count(Chunk& chunk, std::uint64_t records_behind) const {
  const char* const bytes = chunk.buffer.bytes();
  chunk.records = (last_of_end_ == '\r' ? scan_state_.carriage_returns : scan_state_.line_feeds) -
                  records_behind;
  if (chunk.records > records_left_) {
    chunk.records = 0;
    for (std::size_t entry = 0; entry < chunk.index.size() && chunk.records < records_left_;
         ++entry) {
      const std::size_t place = chunk.index[entry];
      if (bytes[place] != last_of_end_ || ++chunk.records < records_left_) continue;
      chunk.unterminated_quote = chunk.unterminated_quote && place >= chunk.size;
      chunk.size = std::min(chunk.size, place + 1);
      chunk.index.truncate(entry + 1);
    }
  }
  // Outside quotes each line is a record.
  chunk.lines = chunk.records;
  const bool ended = bytes[chunk.size - 1] == last_of_end_;
  if (scan_state_.quotes > 0 || !ended) chunk.lines = count_bytes(chunk.bytes(), last_of_end_);
  chunk.digest = XXH3_64bits(bytes, chunk.size);
}

}  // namespace sluice::chunk
