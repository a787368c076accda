#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/load_flags.hpp"
#include "load/known_files.hpp"
#include "source/locate.hpp"
#include "source/source.hpp"

namespace sluice::app {

/// What one load of a command is of: a file, or a member of an archive.
struct Input {
  std::string path;
  std::optional<std::string> member;
  bool is_last_of_file = true;
  /// Of a member: what its archive has beside it.
  std::shared_ptr<const source::Members> archive = {};
  std::optional<std::uint64_t> length = {};  ///< ... and what that says of it, or a listing
  std::string stamp = {};
  std::string named_by = {};  ///< "@LIST, line 3"; empty: no list has

  /// A listing says which version of it there is.
  bool is_listed() const { return !member && !stamp.empty(); }

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
/// out, and what names a file once more, is said; what lists have named, is in `of_lists`. Throws
/// Failure.
std::vector<std::string> files_of(const LoadFlags& flags, source::NamedByLists* of_lists = nullptr);

/// Without the rejects of its files, which a pattern matches too; they are said, and in `left_out`.
/// Where all are such, they are meant.
std::vector<std::string> without_rejects(const LoadFlags& flags,
                                         const std::vector<std::string>& files,
                                         std::vector<std::string>& left_out);

/// Up to how many bytes a file may be one chunk, and go beside others.
std::uintmax_t small_bytes_max(const std::string& path);

/// Each file, and of each archive the members that are asked for (--member). Where nothing is asked
/// for, an archive is one input: the file in it. Throws Failure.
std::vector<Input> inputs_of(const std::vector<std::string>& files,
                             const source::UnpackOptions& options);

}  // namespace sluice::app
