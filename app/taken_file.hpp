#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "source/file_descriptor.hpp"
#include "source/file_identity.hpp"

namespace sluice::app {

/// A folder that stays the same one while its path may come to mean another.
struct Folder {
  std::string path;  ///< for messages
  source::FileDescriptor fd;

  /// Throws Failure.
  static Folder open(const std::string& path);
  /// A folder in this one, which is no link. Throws Failure.
  Folder open_in(const std::string& name) const;
  /// Whether its path means it still.
  bool is_at_its_path() const;
  /// As one would write it: without "./" in front.
  std::string shown(const std::string& name) const;
};

/// A file that was taken from its name: it has a private one in the same folder, so that nobody
/// else puts another file in its place between a look at it and what is done then. Whoever takes it
/// ends with one of the three verbs; if none is called it keeps the private name, and nothing is
/// lost.
class TakenFile {
 public:
  /// One atomic rename. Nothing where nobody has the name. Throws Failure.
  static std::optional<TakenFile> take(const Folder& from, const std::string& name);

  const struct stat& status() const { return status_; }

  /// Deletes it.
  void remove() const;

  /// Moves it into a folder, also one of another file system, under this name or, where that is
  /// taken, NAME.2, NAME.3: nothing is replaced, no link followed. Returns the new path. Throws
  /// Failure, also where the file changes while it is copied; it still has its private name then.
  std::string move(const Folder& to, const std::string& name) const;

  /// Gives it its name back, or another free one if somebody has taken that meanwhile. Returns the
  /// name that it has now.
  std::string put_back(const std::string& name) const;

 private:
  TakenFile(const Folder& folder, std::string name) : folder_(folder), name_(std::move(name)) {}

  std::string copy(const Folder& to, const std::string& name) const;
  void require_unchanged(int fd) const;
  [[noreturn]] void fail(const std::string& what) const;

  const Folder& folder_;
  std::string name_;
  struct stat status_{};
};

}  // namespace sluice::app
