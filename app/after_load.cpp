#include "app/after_load.hpp"

#include <filesystem>

#include "base/failure.hpp"
#include "base/limits.hpp"

namespace sluice::app {
namespace {

namespace fs = std::filesystem;

/// done/trips.csv, or done/trips.2.csv where that is taken.
fs::path free_name(const fs::path& folder, const fs::path& file) {
  for (int number = 1; number < limits::reject_names_max; ++number) {
    fs::path name = file.stem();
    if (number > 1) name += "." + std::to_string(number);
    name += file.extension();
    if (!fs::exists(folder / name)) return folder / name;
  }
  throw Failure(FailureKind::failed, (folder / file).string() + ": too many files of this name");
}

void move(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (!error) return;
  // Another file system: the copy is whole before the original goes.
  fs::copy_file(from, to);
  fs::remove(from);
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

std::string AfterLoad::apply(const std::string& path) const {
  if (what == What::keep || path == "-") return "";
  try {
    if (what == What::remove) {
      fs::remove(path);
      return path + " is deleted";
    }
    fs::create_directories(folder);
    const fs::path to = free_name(folder, fs::path(path).filename());
    move(path, to);
    return path + " -> " + to.string();
  } catch (const fs::filesystem_error& error) {
    throw Failure(FailureKind::failed,
                  path + ": is loaded, but --after failed: " + error.code().message());
  }
}

}  // namespace sluice::app
