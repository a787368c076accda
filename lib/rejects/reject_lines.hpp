#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/position.hpp"
#include "source/file_descriptor.hpp"

namespace sluice::rejects {

/// What a line of the reasons says of where its record is.
struct RejectLine {
  std::int64_t chunk = 0;
  std::int64_t attempt = 0;
  std::uint64_t byte_count = 0;
  std::uint64_t line = 0;  ///< of the source, from 1; 0 where it is not said
};

/// Nothing where it is no line of this load.
std::optional<RejectLine> read_reject_line(const std::string& text, std::optional<LoadId> load);

/// Whether each of so many lines of the source, from `first` on, was a record of this chunk that
/// was rejected, as the reasons beside the records of this path say. False where they cannot be
/// read.
bool are_rejected(const std::string& path, ChunkId chunk, std::uint64_t first, std::uint64_t lines);

/// The last line of the reasons while both files are written anew: the name, which nobody guesses,
/// that the new ones have meanwhile.
std::string rewriting_line(std::optional<LoadId> load, const std::string& name);
/// The name; nothing where it is no such line of this load.
std::optional<std::string> read_rewriting_line(const std::string& text, std::optional<LoadId> load);

/// The whole lines of a file, one after the other.
class LineReader {
 public:
  /// The file must outlive it.
  explicit LineReader(const source::FileDescriptor& file) : file_(file) {}

  /// False behind the last line that ends, and where the file cannot be read.
  bool next(std::string& line);

 private:
  const source::FileDescriptor& file_;
  std::uint64_t at_ = 0;  ///< where the file is read next
  std::string bytes_;
  std::size_t begin_ = 0;  ///< of what has not been given
};

}  // namespace sluice::rejects
