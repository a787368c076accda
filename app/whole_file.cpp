#include "app/whole_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <string_view>

#include "base/failure.hpp"
#include "source/file_descriptor.hpp"

namespace sluice::app {
namespace {

bool write_all(const source::FileDescriptor& file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(file.get(), text.data(), text.size());
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

/// What is there, behind links; nothing where nothing is.
std::optional<struct stat> stat_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return found;
}

/// Where links lead: what they are stays.
std::string behind_links(const std::string& path) {
  std::error_code unknown;
  const auto real = std::filesystem::canonical(path, unknown);
  return unknown ? path : real.string();
}

}  // namespace

void write_whole_file(const std::string& path, const std::string& text, const std::string& who) {
  const auto fail = [&who](const std::string& at, int error) {
    throw Failure(FailureKind::failed, who + at + ": " + errno_message(error));
  };
  const std::optional<struct stat> before = stat_of(path);
  if (before && S_ISDIR(before->st_mode)) fail(path, EISDIR);
  if (before && !S_ISREG(before->st_mode)) {  // a device, or who reads from a pipe
    const source::FileDescriptor there(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (there.get() < 0 || !write_all(there, text)) fail(path, errno);
    return;
  }
  const std::string place = before ? behind_links(path) : path;
  const std::string temporary = place + ".pgsluice.tmp";
  ::unlink(temporary.c_str());  // of one that was killed
  const source::FileDescriptor file(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (file.get() < 0) fail(temporary, errno);
  // Whose it was, and who may read it. Only root may give a file away.
  if (before && ::fchown(file.get(), before->st_uid, before->st_gid) != 0 && errno != EPERM)
    fail(temporary, errno);
  if (before) ::fchmod(file.get(), before->st_mode & 0777U);
  if (write_all(file, text) && ::fsync(file.get()) == 0 &&
      ::rename(temporary.c_str(), place.c_str()) == 0)
    return;
  const int error = errno;
  ::unlink(temporary.c_str());
  fail(place, error);
}

}  // namespace sluice::app
