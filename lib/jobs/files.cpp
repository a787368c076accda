#include "jobs/files.hpp"

#include <glob.h>

#include <algorithm>
#include <filesystem>

#include "base/chunks_of.hpp"
#include "base/limits.hpp"

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
  if (path.filename().string().contains(".rejects.")) return false;
  const auto written = fs::last_write_time(path, error);
  return !error && fs::file_time_type::clock::now() - written >= settle;
}

}  // namespace

std::vector<std::vector<std::string>> arguments_now(const Command& command) {
  if (command.patterns.empty()) return {command.arguments};
  std::vector<std::string> files;
  for (const std::string& pattern : command.patterns) {
    for (std::string& path : matches(pattern))
      if (is_ready(path, command.settle)) files.push_back(std::move(path));
  }
  std::ranges::sort(files);
  const auto [first, last] = std::ranges::unique(files);
  files.erase(first, last);
  std::vector<std::vector<std::string>> all;
  for (const std::span<std::string> some : chunks_of(files, limits::job_files_max)) {
    all.push_back(command.arguments);
    all.back().insert(all.back().end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace sluice::jobs
