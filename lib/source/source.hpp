#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "http/fetch_options.hpp"
#include "source/encoding.hpp"
#include "source/file_identity.hpp"

namespace sluice::source {

class ArchiveShelf;
class Buckets;
class FetchAhead;

/// What unpacking may take and give, and what of an archive is meant.
struct UnpackOptions {
  std::size_t memory_max = limits::decode_memory_default;  ///< for windows and dictionaries
  std::optional<std::uint64_t> bytes_max;                  ///< unpacked
  std::vector<std::string> members;   ///< patterns of names; none: the one file that there is
  std::optional<std::string> member;  ///< the one of this name, whatever the patterns are
  /// Of that member's archive, where members_of() has looked through it.
  std::shared_ptr<ArchiveShelf> shelf = {};
  /// How it is fetched, if it is remote; nothing: as by default.
  std::shared_ptr<http::FetchOptions> fetch = {};
  std::shared_ptr<Buckets> buckets = {};   ///< the same, where it is s3://...
  std::shared_ptr<FetchAhead> ahead = {};  ///< what was fetched before it is opened
};

/// Where bytes come from, in order. Blocking: read() belongs on a thread that may wait. One reader
/// at a time.
class Source {
 public:
  virtual ~Source() = default;

  /// Fills `into` with up to `size` bytes and returns how many; fewer than `size` only at the end,
  /// where it is 0 from then on. Throws Failure when the system refuses.
  virtual std::size_t read(char* into, std::size_t size) = 0;

  /// As read(), but it may return fewer at any time; 0 only at the end. What it has before it fails
  /// is returned first.
  virtual std::size_t read_some(char* into, std::size_t size) { return read(into, size); }

  /// Its first bytes, which will be read all the same. REQUIRES: nothing was read yet. Throws
  /// Failure where that is more than can be looked at twice.
  virtual std::string beginning(std::size_t bytes);

  /// Whether its bytes come once, as those of a pipe: rewind() and seek() reach then what it keeps
  /// of its beginning, and nothing behind what has been read is known.
  virtual bool comes_once() const = 0;

  /// Begins again at the first byte. False where the source comes once, and more of it has been
  /// read than it keeps.
  virtual bool rewind() = 0;

  /// Goes on at this byte, counted from the first one. False where that is not possible.
  virtual bool seek(std::uint64_t offset) = 0;

  /// Until the next seek() little is read from this byte on: it is not worth to be fetched ahead.
  virtual void expect_end(std::uint64_t) {}

  /// Makes a read that waits, and all later ones, return early (thread-safe, async-signal-unsafe).
  virtual void stop() {}

  /// The length in bytes, where it is known before reading.
  virtual std::optional<std::uint64_t> length() const = 0;
  /// The same as far as it is told by the first byte, for who shows how far the reading is.
  virtual std::optional<std::uint64_t> told_length() const { return length(); }

  /// What the file system says of the content without reading it: equal stamps mean an unchanged
  /// file. Empty where there is no such thing. It begins with what names the file, whatever its
  /// paths are: "host device:inode "; the time of change is in it, which no program sets back.
  virtual std::string stamp() const = 0;
  /// The same as it was before the first byte was read.
  virtual std::string opening_stamp() const { return {}; }

  /// Which file is read, as it was when it was opened; nothing for what is no file.
  virtual std::optional<FileIdentity> file() const { return std::nullopt; }

  /// The last bytes, for the fingerprint; empty where they cannot be read ahead of the rest.
  virtual std::string tail(std::size_t bytes) const = 0;

  /// How far the bytes that were read reach in the packed ones; nothing for what is not packed.
  /// Thread-safe, unlike all but stop().
  struct Packed {
    std::uint64_t done = 0;
    std::optional<std::uint64_t> total;
  };
  virtual std::optional<Packed> packed() const { return std::nullopt; }

  /// What reading takes of memory beside what read() is given, as far as is known. Thread-safe.
  virtual std::size_t memory_bytes() const { return 0; }

  /// What is odd about the source and no error, once it was read from; usually nothing. It ends no
  /// sentence.
  virtual std::string oddity() const { return {}; }

  /// What the text was in that read() gives in UTF-8; nullptr where it is handed on as it is. Known
  /// once something was read.
  virtual const Encoding* encoding() const { return nullptr; }
  /// How many bytes of that were before what read() gives next. REQUIRES: encoding().
  virtual std::uint64_t origin() { return 0; }
  /// The length of a byte-order mark in front of the first byte that read() gives, where that is no
  /// other encoding()'s. Known once something was read.
  virtual std::uint64_t mark_bytes() const { return 0; }

  /// As the user wrote it: "trips.csv", "stdin".
  virtual const std::string& name() const = 0;

  /// Absolute path; for a stream the name.
  virtual std::string identity() const = 0;

 protected:
  /// read(), of a source that has a read_some() of its own.
  std::size_t read_by_parts(char* into, std::size_t size);
};

/// "-" is standard input, https://... and s3://... are fetched when they are read; anything that is
/// not a regular file is read as a stream. What is packed is unpacked while it is read: the bytes,
/// their length and their fingerprint are those of the content, the stamp and the file those of
/// what lies on the disk. Text in this encoding is read in UTF-8; without one UTF-16 and UTF-32 are
/// recognised. A byte-order mark is no content. Throws Failure(usage) if it cannot be opened.
std::unique_ptr<Source> open(const std::string& path, const UnpackOptions& options = {},
                             const std::optional<Encoding>& encoding = std::nullopt);

/// The names of an archive's files, in its order. What file managers leave beside files is none.
struct Members {
  std::vector<std::string> meant;  ///< by the options
  /// How long each of these is, as the archive says.
  std::vector<std::optional<std::uint64_t>> lengths = {};
  std::vector<std::string> stamps = {};      ///< Source::stamp() of each of these
  std::vector<std::string> others;           ///< that the options leave out
  std::optional<FileIdentity> file = {};     ///< that was looked at
  std::shared_ptr<ArchiveShelf> shelf = {};  ///< for who opens its members
};

/// Of an archive; nothing for what is no archive, or comes once. Throws Failure where no member is
/// meant. Blocking, as long as a packed tar takes.
std::optional<Members> members_of(const std::string& path, const UnpackOptions& options);

}  // namespace sluice::source
