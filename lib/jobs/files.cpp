#include "jobs/files.hpp"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <span>

#include "base/chunks_of.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/reject_name.hpp"

namespace sluice::jobs {
namespace {

namespace fs = std::filesystem;

std::string unseen_at(const std::string& path, int error_number) {
  return path + ": " + errno_message(error_number) + "; what is there is not loaded";
}

/// What glob() met while it looked; its callback takes nothing along. A slot is looked for by one
/// thread at a time.
thread_local std::vector<std::string>* met = nullptr;

int on_trouble(const char* path, int error_number) {
  // A folder that is not there has no files.
  if (error_number != ENOENT && error_number != ENOTDIR)
    met->push_back(unseen_at(path, error_number));
  return 0;
}

/// A path without a wildcard is looked at, and not looked for: there glob() says nothing.
void look_at(const std::string& path, std::vector<std::string>& unseen) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 || errno == ENOENT || errno == ENOTDIR) return;
  unseen.push_back(unseen_at(path, errno));
}

std::vector<std::string> matches(const std::string& pattern, std::vector<std::string>& unseen) {
  glob_t found{};
  std::vector<std::string> paths;
  met = &unseen;
  const int result = ::glob(pattern.c_str(), 0, on_trouble, &found);
  if (result == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  if (result == GLOB_NOSPACE) unseen.push_back(unseen_at(pattern, ENOMEM));
  ::globfree(&found);
  if (paths.empty() && pattern.find_first_of("*?[") == std::string::npos) look_at(pattern, unseen);
  return paths;
}

bool is_ready(const fs::path& path, milliseconds settle, std::vector<std::string>& unseen) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::is_regular_file(status)) {
    if (!fs::status_known(status)) unseen.push_back(unseen_at(path.string(), error.value()));
    return false;
  }
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

std::vector<std::vector<std::string>> arguments_now(const Command& command,
                                                    std::vector<std::string>& unseen) {
  if (command.patterns.empty()) return {with_files(command.arguments, command.files)};
  std::vector<std::string> files;
  for (const std::string& pattern : command.patterns) {
    for (std::string& path : matches(pattern, unseen))
      if (is_ready(path, command.settle, unseen) && !is_same_file(path, command.configuration))
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
