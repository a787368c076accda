#include "jobs/files.hpp"

#include <algorithm>
#include <filesystem>
#include <span>

#include "base/chunks_of.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/reject_name.hpp"
#include "source/locate.hpp"

namespace sluice::jobs {
namespace {

namespace fs = std::filesystem;

std::string unseen_at(const std::string& path, int error_number) {
  return path + ": " + errno_message(error_number) + "; what is there is not loaded";
}

std::string kind_of(const fs::file_status& status) {
  switch (status.type()) {
    case fs::file_type::fifo: return "a pipe";
    case fs::file_type::socket: return "a socket";
    case fs::file_type::block:
    case fs::file_type::character: return "a device";
    case fs::file_type::directory: return "a folder";
    default: return "no file";
  }
}

std::vector<std::string> matches(const std::string& pattern, std::vector<std::string>& unseen) {
  return source::matches(pattern, [&unseen](const std::string& path, int error_number) {
    unseen.push_back(unseen_at(path, error_number));
  });
}

bool is_ready(const fs::path& path, milliseconds settle, std::vector<std::string>& unseen) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::status_known(status)) unseen.push_back(unseen_at(path.string(), error.value()));
  // One that is gone was taken by somebody else, or is still to be made.
  if (fs::status_known(status) && fs::exists(status) && !fs::is_regular_file(status))
    unseen.push_back(path.string() + ": is " + kind_of(status) + ", which a job does not load");
  if (!fs::is_regular_file(status)) return false;
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
  if (!command.is_of_names()) return {with_files(command.arguments, command.files)};
  std::vector<std::string> files;
  for (const std::string& pattern : command.patterns) {
    for (std::string& path : matches(pattern, unseen))
      if (is_ready(path, command.settle, unseen) && !is_same_file(path, command.configuration))
        files.push_back(std::move(path));
  }
  std::ranges::sort(files);
  const auto [first, last] = std::ranges::unique(files);
  files.erase(first, last);
  files.insert(files.end(), command.remotes.begin(), command.remotes.end());
  // Whoever may write beside them may have put something else in a file's place since.
  std::vector<std::string> as_named = command.arguments;
  as_named.emplace_back("--as-named");
  std::vector<std::vector<std::string>> all;
  for (const std::span<std::string> some : chunks_of(files, limits::job_files_max))
    all.push_back(with_files(as_named, some));
  for (const std::string& list : command.lists)
    all.push_back(with_files(command.arguments, std::span(&list, 1)));
  return all;
}

}  // namespace sluice::jobs
