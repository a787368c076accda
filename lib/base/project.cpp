#include "base/project.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/failure.hpp"
#include "base/path_text.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr const char* configuration = "pgsluice.toml";
constexpr std::size_t name_bytes_max = 200;

fs::path absolute(const std::string& path) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(path.empty() ? "." : path, error);
  return error ? fs::path(path) : whole;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// The nearest folder at or above this one that has a .git: a folder, or a worktree's file.
std::optional<fs::path> repository_of(const fs::path& folder) {
  for (fs::path at = folder;; at = at.parent_path()) {
    if (is_there(at / ".git")) return at;
    if (at == at.parent_path()) return std::nullopt;
  }
}

bool lies_in(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

}  // namespace

Project given_project(const std::string& name, const std::string& where) {
  const auto refuse = [&](const std::string& why) {
    throw Failure(FailureKind::usage, where + ": " + why);
  };
  if (name.empty()) refuse("a project has a name");
  if (name.size() > name_bytes_max) refuse("the name of a project has at most 200 bytes");
  const auto is_control = [](unsigned char c) { return std::iscntrl(c) != 0; };
  if (std::ranges::any_of(name, is_control)) refuse("the name of a project is one line of text");
  if (name == "pgsluice")
    refuse("pgsluice is the project of pgsluice's own tables; write the name of your application");
  return {.name = name, .is_given = true, .origin = where};
}

Project project_of_place(const std::string& path) {
  fs::path folder = absolute(path);
  std::error_code error;
  if (!fs::is_directory(folder, error) && folder.extension() == ".toml")
    folder = folder.parent_path();
  const std::optional<fs::path> repository = repository_of(folder);
  if (!repository) return {};
  // Migrations belong to what is configured around them.
  if (const auto configured = nearest_configuration(folder.string()))
    folder = fs::path(*configured).parent_path();
  std::string place = text_of_path(folder.lexically_relative(*repository).string());
  constexpr std::string_view usual = "sql/migrations";
  if (place.ends_with(usual) &&
      (place.size() == usual.size() || place[place.size() - usual.size() - 1] == '/'))
    place.resize(place.size() - std::min(place.size(), usual.size() + 1));
  if (place.empty() || place == "." || place.size() > name_bytes_max || place == "pgsluice")
    return {};
  return {.name = place, .is_given = false, .origin = "its place in the repository"};
}

std::optional<std::string> nearest_configuration(const std::string& folder) {
  const fs::path begin = absolute(folder);
  const fs::path limit = repository_of(begin).value_or(absolute("."));
  for (fs::path at = begin; lies_in(at, limit); at = at.parent_path()) {
    if (is_there(at / configuration)) return (at / configuration).string();
    if (at == at.parent_path()) break;
  }
  return std::nullopt;
}

}  // namespace sluice
