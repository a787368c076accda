#include "app/after_load.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "app/taken_file.hpp"
#include "base/failure.hpp"
#include "base/path_text.hpp"
#include "source/remote.hpp"

namespace sluice::app {
namespace {

namespace fs = std::filesystem;
using source::FileIdentity;

/// "a.csv, b.csv and 7 more"
std::string first_of(const std::vector<std::string>& names) {
  constexpr std::size_t most = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, names.size()); ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

Failure changed(const std::string& path, const std::string& how) {
  return {FailureKind::changed, path + ": is loaded, but " + how};
}

/// How the file that has the name now differs from the one that was read.
std::string difference(const FileIdentity& now, const FileIdentity& loaded) {
  if (!now.is_same_file(loaded))
    return "another file has its name now, which is not touched; the same command loads it";
  return "it was changed after it was read, and is not touched; load it again";
}

/// What is loaded, taken, and is not that file after all.
Failure put_back_changed(const TakenFile& file, const std::string& path, const std::string& name,
                         const std::string& how) {
  const std::string now = file.put_back(name);
  return changed(path, how + (now == path ? "" : " (it is " + now + " now: its name was taken)"));
}

/// Looks, takes, and looks again: a rename changes the time of the last change, so that is compared
/// before, and whether it is still that file behind it. Nothing where the name is free.
std::optional<TakenFile> take(const Folder& from, const std::string& name, const std::string& path,
                              const FileIdentity& loaded) {
  struct stat status{};
  if (::fstatat(from.fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::nullopt;
    throw Failure(FailureKind::failed, errno_message(errno));
  }
  const FileIdentity before = FileIdentity::of(status);
  if (before != loaded) throw changed(path, difference(before, loaded));
  std::optional<TakenFile> file = TakenFile::take(from, name);
  if (!file) return file;
  const FileIdentity taken = FileIdentity::of(file->status());
  if (!taken.is_unchanged_but_for_its_name(loaded))
    throw put_back_changed(*file, path, name, difference(taken, loaded));
  return file;
}

std::string move(const TakenFile& file, const Folder& to, const std::string& path,
                 const std::string& name) {
  try {
    return file.move(to, name);
  } catch (const Failure& failure) {
    if (failure.kind() == FailureKind::changed)
      throw put_back_changed(file, path, name, failure.what());
    const std::string now = file.put_back(name);
    throw Failure(FailureKind::failed,
                  failure.what() + (now == path ? "" : std::string("; the file is ") + now));
  }
}

/// A folder's path in two parts, without a slash at its end.
struct Place {
  std::string above;
  std::string name;
};

Place place_of(const std::string& folder) {
  const fs::path normal = fs::path(folder).lexically_normal();
  const fs::path whole = normal.has_filename() ? normal : normal.parent_path();
  const fs::path above = whole.parent_path();
  return {above.empty() ? "." : above.string(), whole.filename().string()};
}

/// The folder itself may be made; a path to it that is not there is a mistyped one.
void require_place_of(const std::string& folder) {
  struct stat status{};
  const std::string flag = "--after move:" + folder + ": ";
  if (::stat(folder.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return;
    throw Failure(FailureKind::usage, flag + "is no folder");
  }
  if (errno != ENOENT) throw Failure(FailureKind::usage, flag + errno_message(errno));
  const std::string above = place_of(folder).above;
  if (::stat(above.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return;
  throw Failure(FailureKind::usage,
                flag + "there is no folder " + above + ", and only the last one is made by itself");
}

/// The one that is there, for as long as this command goes on; nothing where there is none.
std::optional<Folder> folder_now(const std::string& path) {
  try {
    return Folder::open(path);
  } catch (const Failure&) {
    return std::nullopt;  // it is made when there is something to move, or fails then
  }
}

/// `looked_at` if there is one. Where it has to be made, what has its name by then may be another
/// command's that made it, and is no link. Says in `done` that it was made.
const Folder& folder_to_move_to(const std::string& path, std::optional<Folder>& looked_at,
                                std::string& done) {
  if (looked_at) {
    if (looked_at->is_at_its_path()) return *looked_at;
    throw Failure(FailureKind::failed,
                  path + ": is another folder than when the load began, and gets nothing");
  }
  const auto [above, name] = place_of(path);
  const Folder parent = Folder::open(above);
  if (::mkdirat(parent.fd.get(), name.c_str(), 0777) == 0) {
    done = "made the folder " + path + "; ";
  } else if (errno != EEXIST) {
    throw Failure(FailureKind::failed, path + ": " + errno_message(errno));
  }
  looked_at = parent.open_in(name);
  looked_at->path = path;
  return *looked_at;
}

}  // namespace

AfterLoad AfterLoad::parse(const std::string& text) {
  constexpr std::string_view prefix = "move:";
  if (text == "keep") return {};
  if (text == "delete") return {What::remove, ""};
  if (text.starts_with(prefix) && text.size() > prefix.size())
    return {What::move, text.substr(prefix.size())};
  throw Failure(FailureKind::usage, "--after " + text + ": write move:DIR, delete or keep");
}

void AfterLoad::check(const std::string& path) const {
  struct stat status{};
  if (what == What::move) require_place_of(folder);
  if (what == What::move && !*looked_at) *looked_at = folder_now(folder);
  if (what == What::keep || path == "-" || ::lstat(path.c_str(), &status) != 0) return;
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) return;
  throw Failure(FailureKind::usage,
                path + (S_ISLNK(status.st_mode)
                            ? ": is a symbolic link, and --after acts on files: name the file "
                              "itself, or leave --after out"
                            : ": is no file that --after could act on: leave it out"));
}

void AfterLoad::check_inputs(const std::vector<Input>& inputs, const std::string& word) const {
  if (what == What::keep) return;
  const std::string advice =
      inputs.size() == 1 ? ": leave it out" : ": leave it out, or load that one by itself";
  for (const Input& input : inputs) {
    if (input.path == "-") {
      throw Failure(FailureKind::usage,
                    "--after " + word + " acts on files, and - is what comes on stdin" + advice);
    }
    if (source::is_remote(input.path)) {
      throw Failure(FailureKind::usage, "--after " + word + " acts on files of this machine, and " +
                                            input.path + " is none" + advice);
    }
    if (!input.archive || input.archive->others.empty()) continue;
    throw Failure(FailureKind::usage,
                  "--after " + word + " with --member: " + text_of_path(input.path) +
                      " would be gone, and in no table what --member leaves out of it: " +
                      first_of(input.archive->others) +
                      "; name these too, or leave one of the flags out");
  }
}

std::string AfterLoad::apply(const std::string& path,
                             const std::optional<FileIdentity>& loaded) const {
  if (what == What::keep || path == "-") return "";
  if (!loaded) throw changed(path, "it was no file, and --after does nothing");
  const fs::path whole(path);
  const std::string name = whole.filename();
  try {
    std::string done;
    const Folder* const to =
        what == What::move ? &folder_to_move_to(folder, *looked_at, done) : nullptr;
    const Folder from = Folder::open(whole.parent_path());
    const std::optional<TakenFile> file = take(from, name, path, *loaded);
    if (!file && to != nullptr) throw changed(path, "it is gone, and was not moved");
    if (!file) return path + " was deleted by somebody else";
    if (to != nullptr) return done + path + " -> " + move(*file, *to, path, name);
    file->remove();
    return path + " is deleted";
  } catch (const Failure& failure) {
    if (failure.kind() == FailureKind::changed) throw;
    throw Failure(FailureKind::failed, path + ": is loaded, but --after failed: " + failure.what());
  }
}

}  // namespace sluice::app
