#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "chunk/chunk.hpp"
#include "chunk/footer.hpp"
#include "chunk/lexer.hpp"
#include "chunk/preamble.hpp"
#include "csv/scanner.hpp"
#include "source/source.hpp"

namespace sluice::chunk {

struct ChunkerOptions {
  csv::Dialect dialect;
  std::size_t chunk_bytes = 0;
  std::size_t record_bytes_max = 0;
  std::uint64_t records_max = std::numeric_limits<std::uint64_t>::max();
  csv::Scanner::Form form = csv::Scanner::Form::automatic;
  std::uint64_t record_lines_max = 0;  ///< physical ones; 0: any number
  /// A record that the source's end leaves open, or that is larger than it may be, is its first
  /// line alone, which is bad, and what is behind that line is read as if it had ended. Otherwise
  /// it takes all that is left, and one that is too large is a Failure.
  bool cuts_open_records = false;
  std::uint64_t footer_lines = 0;  ///< at the source's end, which are not read
  std::int64_t first_number = 0;   ///< of the first chunk, where others are in front of it
};

/// How large chunk `number` may be: the first ones are smaller, so that the server has something to
/// do while the next are read, and a middling file is work for more than one connection.
std::size_t bytes_of_chunk(std::int64_t number, std::size_t chunk_bytes);

/// Cuts a source into chunks of whole records.
///
/// Where a chunk ends depends on the content and `chunk_bytes` alone, never on how the bytes
/// arrive: behind the last record that fits, or behind the first record if that one does not fit. A
/// record fits if it ends within bytes_of_chunk() and within a tenth as many entries of the index.
/// So a load that is resumed, from a file or from a pipe, meets the same chunks again. A chunk of
/// comments alone has no record.
class Chunker {
 public:
  /// Goes on behind the preamble. `source` must outlive the chunker.
  Chunker(source::Source& source, Preamble preamble, ChunkerOptions options);

  /// Fills `chunk` with the next records; false at the end. Blocking.
  /// Throws Failure for a record larger than record_bytes_max and where the source cannot be read.
  bool next(Chunk& chunk);

 private:
  std::size_t fill(Buffer& buffer, std::size_t from, std::size_t to);
  std::size_t bytes_max() const { return bytes_of_chunk(next_number_, options_.chunk_bytes); }
  std::uint64_t origin_behind() const;
  std::size_t entries_max() const;
  void start(Chunk& chunk);
  std::size_t read_window(Chunk& chunk, std::size_t wanted);
  std::size_t choose_end(Chunk& chunk, std::size_t& size, std::size_t wanted);
  void scan(Chunk& chunk, std::size_t& size, std::size_t to);
  std::size_t last_end(const Chunk& chunk) const;
  std::size_t grow_to_record_end(Chunk& chunk, std::size_t base, std::size_t& size,
                                 csv::OddLine::Kind& why_not);
  std::size_t before_too_many_lines(const Chunk& chunk, std::size_t base, std::size_t end) const;
  std::size_t cut(Chunk& chunk, std::size_t base, std::size_t size, csv::OddLine::Kind why);
  void end_last_record(Chunk& chunk);
  void keep_rest(const Chunk& chunk, std::size_t end, std::size_t size);
  void close(Chunk& chunk, std::size_t end, std::size_t size);

  source::Source& source_;
  ChunkerOptions options_;
  csv::LineEnd line_end_;
  std::optional<Footer> footer_;
  Lexer lexer_;
  Position next_start_;
  std::uint64_t next_origin_;
  std::int64_t next_number_ = 0;
  std::uint64_t records_left_;
  std::string carry_;  ///< bytes read already that belong to the next chunks
  std::size_t carry_used_ = 0;
  std::size_t read_now_ =
      0;  ///< bytes that came from the source, not from the carry, for the current chunk
  std::uint64_t packed_read_ = 0;  ///< for all chunks so far
  bool at_end_ = false;            ///< of the source
  bool ended_ = false;  ///< what was read for this chunk came short: its bytes are the last ones
  bool nothing_follows_ = false;  ///< behind what was scanned
};

}  // namespace sluice::chunk
