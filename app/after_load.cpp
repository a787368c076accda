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

/// The folder itself may be made; a path to it that is not there is a mistyped one.
void require_place_of(const std::string& folder) {
  struct stat status{};
  const std::string flag = "--after move:" + folder + ": ";
  if (::stat(folder.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return;
    throw Failure(FailureKind::usage, flag + "is no folder");
  }
  if (errno != ENOENT) throw Failure(FailureKind::usage, flag + errno_message(errno));
  const fs::path whole = fs::path(folder).lexically_normal();
  const fs::path parent = (whole.has_filename() ? whole : whole.parent_path()).parent_path();
  const std::string above = parent.empty() ? "." : parent.string();
  if (::stat(above.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return;
  throw Failure(FailureKind::usage,
                flag + "there is no folder " + above + ", and only the last one is made by itself");
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
  for (const Input& input : inputs) {
    if (source::is_remote(input.path)) {
      throw Failure(FailureKind::usage,
                    "--after " + word + " acts on files of this machine, and " + input.path +
                        " is none: leave --after out, or load that one by itself");
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
    std::optional<Folder> to;
    std::string done;
    if (what == What::move) {
      if (fs::create_directory(folder)) done = "made the folder " + folder + "; ";
      to = Folder::open(folder);
    }
    const Folder from = Folder::open(whole.parent_path());
    const std::optional<TakenFile> file = take(from, name, path, *loaded);
    if (!file && to) throw changed(path, "it is gone, and was not moved");
    if (!file) return path + " was deleted by somebody else";
    if (to) return done + path + " -> " + move(*file, *to, path, name);
    file->remove();
    return path + " is deleted";
  } catch (const fs::filesystem_error& error) {
    throw Failure(FailureKind::failed, path + ": is loaded, but --after failed: " + folder + ": " +
                                           error.code().message());
  } catch (const Failure& failure) {
    if (failure.kind() == FailureKind::changed) throw;
    throw Failure(FailureKind::failed, path + ": is loaded, but --after failed: " + failure.what());
  }
}

}  // namespace sluice::app
