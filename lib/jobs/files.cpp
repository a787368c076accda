#include "jobs/files.hpp"

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "base/chunks_of.hpp"
#include "base/limits.hpp"
#include "base/reject_name.hpp"

namespace sluice::jobs {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> matches(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return paths;
}

bool is_ready(const fs::path& path, milliseconds settle) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;
  if (is_reject_file(path.string())) return false;
  const auto written = fs::last_write_time(path, error);
  return !error && fs::file_time_type::clock::now() - written >= settle;
}

bool is_same_file(const fs::path& one, const fs::path& other) {
  std::error_code error;
  return fs::equivalent(one, other, error);
}

/// A file's name is no flag, whatever it looks like: "-x.csv" stands behind "--", and "[x]", which
/// would be a list, and "-", which would be stdin, get their folder.
std::vector<std::string> with_files(std::vector<std::string> arguments,
                                    std::span<const std::string> files) {
  if (files.empty()) return arguments;
  arguments.emplace_back("--");
  for (const std::string& file : files)
    arguments.push_back(file.starts_with('[') || file == "-" ? "./" + file : file);
  return arguments;
}

}  // namespace

std::vector<std::vector<std::string>> arguments_now(const Command& command) {
  if (command.patterns.empty()) return {with_files(command.arguments, command.files)};
  std::vector<std::string> files;
  for (const std::string& pattern : command.patterns) {
    for (std::string& path : matches(pattern))
      if (is_ready(path, command.settle) && !is_same_file(path, command.configuration))
        files.push_back(std::move(path));
  }
  std::ranges::sort(files);
  const auto [first, last] = std::ranges::unique(files);
  files.erase(first, last);
  std::vector<std::vector<std::string>> all;
  for (const std::span<std::string> some : chunks_of(files, limits::job_files_max))
    all.push_back(with_files(command.arguments, some));
  return all;
}

}  // namespace sluice::jobs
