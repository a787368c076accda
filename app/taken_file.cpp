#include "app/taken_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>

#include "base/failure.hpp"
#include "base/limits.hpp"

namespace sluice::app {
namespace {

/// No pattern that does not begin with a dot matches it.
std::string private_name() {
  std::array<std::uint64_t, 2> random{};
  if (::getrandom(random.data(), sizeof random, 0) != sizeof random)
    throw Failure(FailureKind::failed, "getrandom: " + errno_message(errno));
  return fmt::format(".pgsluice-{:016x}{:016x}", random[0], random[1]);
}

/// Gives a file another name that nobody has; 0, EEXIST or another errno. The file's own name must
/// be a private one: where the file system knows no such rename it is done in two steps.
int rename_to_free(int from, const std::string& name, int to, const std::string& new_name) {
  if (::renameat2(from, name.c_str(), to, new_name.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  if (::linkat(from, name.c_str(), to, new_name.c_str(), 0) != 0) return errno;
  return ::unlinkat(from, name.c_str(), 0) == 0 ? 0 : errno;
}

/// trips.csv, trips.2.csv, trips.3.csv.
std::string numbered(const std::string& name, int number) {
  if (number == 1) return name;
  const std::filesystem::path path(name);
  return path.stem().string() + "." + std::to_string(number) + path.extension().string();
}

struct Renamed {
  std::string name;  ///< empty where there is an error
  int error = 0;
};

Renamed rename_to_first_free(int from, const std::string& name, int to, const std::string& wanted) {
  for (int number = 1; number < limits::reject_names_max; ++number) {
    std::string candidate = numbered(wanted, number);
    const int error = rename_to_free(from, name, to, candidate);
    if (error == 0) return {std::move(candidate), 0};
    if (error != EEXIST) return {"", error};
  }
  return {"", EEXIST};
}

void write_all(int fd, const char* bytes, std::size_t count) {
  while (count > 0) {
    const ssize_t written = ::write(fd, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw Failure(FailureKind::failed, errno_message(errno));
    bytes += written;
    count -= static_cast<std::size_t>(written);
  }
}

void copy_bytes(int from, int to) {
  std::string buffer(limits::MiB, '\0');
  for (;;) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Failure(FailureKind::failed, errno_message(errno));
    if (got == 0) return;
    write_all(to, buffer.data(), static_cast<std::size_t>(got));
  }
}

/// The copy is on the disk before the original goes, with its times and rights. Its owner can be
/// kept by a superuser only.
void finish_copy(int fd, const struct stat& original) {
  [[maybe_unused]] const int owned = ::fchown(fd, original.st_uid, original.st_gid);
  const std::array<timespec, 2> times{original.st_atim, original.st_mtim};
  if (::fchmod(fd, original.st_mode & 0777) != 0 || ::futimens(fd, times.data()) != 0 ||
      ::fsync(fd) != 0)
    throw Failure(FailureKind::failed, errno_message(errno));
}

source::FileDescriptor open_folder(int in, const std::string& name, const std::string& shown,
                                   int more) {
  const int flags = O_DIRECTORY | O_CLOEXEC | more;
  source::FileDescriptor fd(::openat(in, name.c_str(), O_RDONLY | flags));
  // A folder of which the names may be used and not listed.
  if (fd.get() < 0 && errno == EACCES)
    fd = source::FileDescriptor(::openat(in, name.c_str(), O_PATH | flags));
  if (fd.get() < 0) throw Failure(FailureKind::failed, shown + ": " + errno_message(errno));
  return fd;
}

}  // namespace

Folder Folder::open(const std::string& path) {
  const std::string here = path.empty() ? "." : path;
  return {here, open_folder(AT_FDCWD, here, here, 0)};
}

Folder Folder::open_in(const std::string& name) const {
  const std::string whole = shown(name);
  return {whole, open_folder(fd.get(), name, whole, O_NOFOLLOW)};
}

bool Folder::is_at_its_path() const {
  struct stat here{};
  struct stat there{};
  return ::fstat(fd.get(), &here) == 0 && ::stat(path.c_str(), &there) == 0 &&
         here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

std::string Folder::shown(const std::string& name) const {
  return path == "." ? name : (std::filesystem::path(path) / name).string();
}

std::optional<TakenFile> TakenFile::take(const Folder& from, const std::string& name) {
  TakenFile file(from, private_name());
  const int fd = from.fd.get();
  int error =
      ::renameat2(fd, name.c_str(), fd, file.name_.c_str(), RENAME_NOREPLACE) == 0 ? 0 : errno;
  // The private name is 128 random bits: where the file system cannot promise that nobody has it,
  // nobody has it.
  if (error == EINVAL || error == ENOSYS)
    error = ::renameat(fd, name.c_str(), fd, file.name_.c_str()) == 0 ? 0 : errno;
  if (error == ENOENT) return std::nullopt;
  if (error != 0)
    throw Failure(FailureKind::failed, from.shown(name) + ": " + errno_message(error));
  if (::fstatat(fd, file.name_.c_str(), &file.status_, AT_SYMLINK_NOFOLLOW) != 0)
    file.fail(errno_message(errno));
  return file;
}

void TakenFile::fail(const std::string& what) const { throw Failure(FailureKind::failed, what); }

/// Whoever had it open when it was taken may still write to it.
void TakenFile::require_unchanged(int fd) const {
  struct stat now{};
  const auto taken = source::FileIdentity::of(status_);
  if (::fstat(fd, &now) != 0 || !source::FileIdentity::of(now).is_unchanged_but_for_its_name(taken))
    throw Failure(FailureKind::changed, "it changed while it was copied");
}

void TakenFile::remove() const {
  if (::unlinkat(folder_.fd.get(), name_.c_str(), 0) != 0) fail(errno_message(errno));
}

std::string TakenFile::move(const Folder& to, const std::string& name) const {
  const Renamed moved = rename_to_first_free(folder_.fd.get(), name_, to.fd.get(), name);
  if (moved.error == 0) return to.shown(moved.name);
  if (moved.error != EXDEV) fail(to.shown(name) + ": " + errno_message(moved.error));
  return to.shown(copy(to, name));
}

std::string TakenFile::copy(const Folder& to, const std::string& name) const {
  const std::string temporary = private_name();
  const source::FileDescriptor original(
      ::openat(folder_.fd.get(), name_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (original.get() < 0) fail(errno_message(errno));
  const source::FileDescriptor copied(
      ::openat(to.fd.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (copied.get() < 0) fail(to.path + ": " + errno_message(errno));
  try {
    copy_bytes(original.get(), copied.get());
    finish_copy(copied.get(), status_);
    require_unchanged(original.get());
    const Renamed moved = rename_to_first_free(to.fd.get(), temporary, to.fd.get(), name);
    if (moved.error != 0) throw Failure(FailureKind::failed, errno_message(moved.error));
    ::fsync(to.fd.get());
    require_unchanged(original.get());
    remove();
    return moved.name;
  } catch (const Failure& failure) {
    ::unlinkat(to.fd.get(), temporary.c_str(), 0);
    throw Failure(failure.kind(), to.shown(name) + ": " + failure.problem(), failure.advice());
  }
}

std::string TakenFile::put_back(const std::string& name) const {
  const int fd = folder_.fd.get();
  const Renamed named = rename_to_first_free(fd, name_, fd, name);
  return folder_.shown(named.error == 0 ? named.name : name_);
}

}  // namespace sluice::app
