#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "source/file_descriptor.hpp"

namespace sluice::rejects {

/// The two files of a load's rejects, open for this process alone: the records, and the reasons
/// beside them. They belong to the user (mode 0600) and are never reached through a symbolic link.
///
/// A lock (flock) on the reasons tells files that are in use from those that a crash has left. All
/// functions block, and throw Failure.
class RejectPlace {
 public:
  /// Makes both files new under `path`, or under a path like it (trips.rejects.2.csv) where that is
  /// taken. Two empty ones that a crash has left, and nobody uses, count as new.
  static RejectPlace reserve(const std::string& path);

  /// Opens those of an earlier run. Nothing where one is missing, is no plain file of this user, or
  /// is in use.
  static std::optional<RejectPlace> open(const std::string& path);

  /// Whether reserve(wanted) may have given `path`.
  static bool is_like(const std::string& path, const std::string& wanted);

  /// Names alone, of files that are not there.
  explicit RejectPlace(const std::string& path);

  static std::string reasons_path_of(const std::string& path);

  const std::string& path() const { return path_; }
  const std::string& reasons_path() const { return reasons_path_; }
  const source::FileDescriptor& records() const { return records_; }
  const source::FileDescriptor& reasons() const { return reasons_; }

  /// Takes these in the place of the files. REQUIRES: they have been renamed to its paths.
  void replace(source::FileDescriptor records, source::FileDescriptor reasons);
  /// Opens the records anew, which have been replaced.
  void reopen_records();

  /// Removes the files, and makes the object one that can only be destroyed.
  void remove();

 private:
  std::string path_;
  std::string reasons_path_;
  source::FileDescriptor records_{-1};
  source::FileDescriptor reasons_{-1};
};

/// What files of rejects are read and written with. All throw Failure that names the file and
/// --rejects.
namespace reject_io {

source::FileDescriptor make_new(const std::string& path);
/// An invalid one where it is no plain file of this user, or has another name besides.
source::FileDescriptor open_own(const std::string& path);
/// Removes that file, if it is still the one of this name.
void remove(const source::FileDescriptor& fd, const std::string& path);
bool lock(const source::FileDescriptor& reasons);
std::uint64_t size_of(const source::FileDescriptor& fd);
void write_at(const source::FileDescriptor& fd, std::uint64_t offset, std::string_view bytes,
              const std::string& path);
void wait_for_disk(const source::FileDescriptor& fd, const std::string& path);
/// Puts a part of one file behind `to_size` bytes of another.
void copy_range(const source::FileDescriptor& from, std::uint64_t begin, std::uint64_t end,
                const source::FileDescriptor& to, std::uint64_t& to_size, const std::string& path);
void rename(const std::string& from, const std::string& to);

}  // namespace reject_io

}  // namespace sluice::rejects
