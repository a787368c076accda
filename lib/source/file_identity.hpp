#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace sluice::source {

/// Which file, and in which state: what the file system says without reading it.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;  ///< nobody can set this one back

  static FileIdentity of(const struct stat& status) {
    constexpr std::int64_t second = 1'000'000'000;
    return {.device = status.st_dev,
            .inode = status.st_ino,
            .bytes = static_cast<std::uint64_t>(status.st_size),
            .modified_ns = status.st_mtim.tv_sec * second + status.st_mtim.tv_nsec,
            .changed_ns = status.st_ctim.tv_sec * second + status.st_ctim.tv_nsec};
  }

  bool operator==(const FileIdentity&) const = default;

  bool is_same_file(const FileIdentity& other) const {
    return device == other.device && inode == other.inode;
  }
  /// What is left to compare behind a rename or a new link, which changes `changed_ns`.
  bool is_unchanged_but_for_its_name(const FileIdentity& other) const {
    return is_same_file(other) && bytes == other.bytes && modified_ns == other.modified_ns;
  }
};

}  // namespace sluice::source
