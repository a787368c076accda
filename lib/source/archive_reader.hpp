#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/packing.hpp"
#include "source/source.hpp"

struct archive;
struct archive_entry;

namespace sluice::source {

/// What stands in an archive under a name.
struct Member {
  std::string name;                    ///< in UTF-8 where the archive tells
  std::optional<std::uint64_t> bytes;  ///< as its directory says
  bool is_file = false;
  bool has_content = false;  ///< that is known of what is no file
  bool is_link = false;      ///< to another member, which has the content
  bool is_encrypted = false;
};

/// The member of an archive that is meant.
struct ChosenMember {
  Member member;
  std::size_t place = 0;        ///< in the archive, from 0, whatever the others are
  bool is_only_so_far = false;  ///< what is behind it could not be looked at
};

/// Reads the members of a zip, tar or 7z one after the other. All failures name
/// the source.
class ArchiveReader {
 public:
  /// From the source's first byte, at which it stands. A zip or 7z must be a
  /// file: its directory is at its end.
  ArchiveReader(Source& source, Packing packing);

  /// Goes to the next member; false behind the last one, with the archive found
  /// to be whole.
  bool next(Member& member);
  /// Of the member's content: up to `size` bytes, 0 at its end, with its
  /// checksum compared.
  std::size_t read(char* into, std::size_t size);

 private:
  struct Free {
    void operator()(archive* opened) const;
  };
  struct Calls;  ///< what the library calls

  void open();
  void require_end();
  [[noreturn]] void fail();

  Source& source_;
  Packing packing_;
  std::unique_ptr<archive, Free> archive_;
  bool is_empty_ = false;
  bool has_ended_ = false;  ///< more was asked for than the source has
  std::vector<char> buffer_;
  std::exception_ptr failed_;  ///< by the source, below the library
  std::uint64_t size_ = 0;     ///< of the source, where it can be sought in
  std::uint64_t at_ = 0;       ///< in the source
  std::string last_;           ///< the last bytes that were read in order
  Member member_;
  std::uint64_t member_read_ = 0;
};

}  // namespace sluice::source
