#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/load_flags.hpp"
#include "load/known_files.hpp"
#include "source/source.hpp"

namespace sluice::app {

/// What one load of a command is of: a file, or a member of an archive.
struct Input {
  std::string path;
  std::optional<std::string> member;
  bool is_last_of_file = true;
  /// Of a member: what its archive has beside it.
  std::shared_ptr<const source::Members> archive = {};
  std::optional<std::uint64_t> length = {};  ///< ... and what that says of it
  std::string stamp = {};

  /// "trips.csv", "a.zip!dir/b.csv".
  std::string shown() const { return member ? path + "!" + *member : path; }
  load::FileToFind to_find() const {
    return {.path = path,
            .member = member,
            .shelf = archive ? archive->shelf : nullptr,
            .stamp = stamp};
  }
};

/// The files that the arguments of a command mean, each once. What of folders and patterns is left
/// out, and what names a file once more, is said. Throws Failure.
std::vector<std::string> files_of(const LoadFlags& flags);

/// Each file, and of each archive the members that are asked for (--member). Where nothing is asked
/// for, an archive is one input: the file in it. Throws Failure.
std::vector<Input> inputs_of(const std::vector<std::string>& files,
                             const source::UnpackOptions& options);

}  // namespace sluice::app
