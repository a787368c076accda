#include "rejects/reject_place.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/failure.hpp"
#include "base/limits.hpp"

namespace sluice::rejects {
namespace {

using source::FileDescriptor;

Failure cannot(const std::string& what, const std::string& path) {
  return {FailureKind::failed, "cannot " + what + " " + path + ": " + errno_message(errno),
          "A load stops where its rejects cannot be kept (see --rejects FILE)."};
}

/// An invalid one where the name is taken.
FileDescriptor make_if_free(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (fd.get() < 0 && errno != EEXIST) throw cannot("create", path);
  return fd;
}

/// Whether the file is still the one of this name: another process may have removed it before it
/// was locked.
bool is_at(const FileDescriptor& fd, const std::string& path) {
  struct stat here{};
  struct stat there{};
  return ::fstat(fd.get(), &here) == 0 && ::lstat(path.c_str(), &there) == 0 &&
         here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/// Where a file system has no locks nobody can be kept away, and none is held.
bool is_locked(const FileDescriptor& reasons) {
  return ::flock(reasons.get(), LOCK_EX | LOCK_NB) == 0;
}

/// As a load makes them. Where others may read a file they may have it open already.
bool is_private(const FileDescriptor& fd) {
  struct stat status{};
  return ::fstat(fd.get(), &status) == 0 && (status.st_mode & 0777U) == 0600;
}

std::string numbered(const std::string& path, int number) {
  const std::size_t dot = path.ends_with(".csv") ? path.size() - 4 : path.size();
  return path.substr(0, dot) + "." + std::to_string(number) + path.substr(dot);
}

}  // namespace

RejectPlace::RejectPlace(const std::string& path)
    : path_(path), reasons_path_(reasons_path_of(path)) {}

/// trips.csv -> trips.jsonl; anything else gets .jsonl behind it.
std::string RejectPlace::reasons_path_of(const std::string& path) {
  return (path.ends_with(".csv") ? path.substr(0, path.size() - 4) : path) + ".jsonl";
}

bool RejectPlace::is_like(const std::string& path, const std::string& wanted) {
  if (path == wanted) return true;
  const std::size_t dot = wanted.ends_with(".csv") ? wanted.size() - 4 : wanted.size();
  const std::string behind = wanted.substr(dot);
  if (path.size() <= wanted.size() + 1 || !path.starts_with(wanted.substr(0, dot) + ".") ||
      !path.ends_with(behind))
    return false;
  const std::string number = path.substr(dot + 1, path.size() - behind.size() - dot - 1);
  return number.find_first_not_of("0123456789") == std::string::npos;
}

RejectPlace RejectPlace::reserve(const std::string& path) {
  std::string candidate = path;
  for (int i = 2; i < limits::reject_names_max; ++i) {
    RejectPlace place(candidate);
    // The reasons first: whoever holds their lock has the name.
    place.reasons_ = make_if_free(place.reasons_path_);
    if (place.reasons_.get() >= 0) {
      if (reject_io::lock(place.reasons_)) {
        place.records_ = make_if_free(candidate);
        if (place.records_.get() >= 0) return place;
        ::unlink(place.reasons_path_.c_str());  // records alone are somebody else's
      }
    } else if (std::optional<RejectPlace> left = open(candidate)) {
      const bool is_empty =
          reject_io::size_of(left->reasons_) == 0 && reject_io::size_of(left->records_) == 0;
      const bool is_ours = is_private(left->reasons_) && is_private(left->records_);
      if (is_empty && is_ours && is_locked(left->reasons_)) return std::move(*left);
    }
    candidate = numbered(path, i);
  }
  throw Failure(FailureKind::failed, "all names like " + path +
                                         " are taken by the rejects of earlier loads: move these "
                                         "away, or name another file with --rejects");
}

std::optional<RejectPlace> RejectPlace::open(const std::string& path) {
  RejectPlace place(path);
  place.reasons_ = reject_io::open_own(place.reasons_path_);
  if (place.reasons_.get() < 0 || !reject_io::lock(place.reasons_) ||
      !is_at(place.reasons_, place.reasons_path_))
    return std::nullopt;
  place.records_ = reject_io::open_own(path);
  // A crash between the making of the two.
  if (place.records_.get() < 0 && reject_io::size_of(place.reasons_) == 0)
    place.records_ = make_if_free(path);
  if (place.records_.get() < 0) return std::nullopt;
  return place;
}

void RejectPlace::replace(FileDescriptor records, FileDescriptor reasons) {
  records_ = std::move(records);
  reasons_ = std::move(reasons);
}

void RejectPlace::reopen_records() {
  records_ = reject_io::open_own(path_);
  if (records_.get() < 0) throw cannot("open", path_);
}

void RejectPlace::remove() {
  reject_io::remove(records_, path_);
  reject_io::remove(reasons_, reasons_path_);
  records_ = FileDescriptor(-1);
  reasons_ = FileDescriptor(-1);
}

namespace reject_io {

FileDescriptor make_new(const std::string& path) {
  FileDescriptor fd = make_if_free(path);
  if (fd.get() < 0) throw cannot("create", path);
  return fd;
}

FileDescriptor open_own(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  const bool is_own = fd.get() >= 0 && ::fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode) &&
                      status.st_uid == ::geteuid() && status.st_nlink == 1;
  return is_own ? std::move(fd) : FileDescriptor(-1);
}

void remove(const FileDescriptor& fd, const std::string& path) {
  if (fd.get() >= 0 && is_at(fd, path)) ::unlink(path.c_str());
}

bool lock(const FileDescriptor& reasons) { return is_locked(reasons) || errno != EWOULDBLOCK; }

std::uint64_t size_of(const FileDescriptor& fd) {
  struct stat status{};
  return ::fstat(fd.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

void write_at(const FileDescriptor& fd, std::uint64_t offset, std::string_view bytes,
              const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw cannot("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
}

void wait_for_disk(const FileDescriptor& fd, const std::string& path) {
  if (::fdatasync(fd.get()) != 0) throw cannot("write", path);
}

void copy_range(const FileDescriptor& from, std::uint64_t begin, std::uint64_t end,
                const FileDescriptor& to, std::uint64_t& to_size, const std::string& path) {
  std::string buffer(std::min<std::uint64_t>(end - begin, limits::MiB), '\0');
  while (begin < end) {
    const ssize_t n =
        ::pread(from.get(), buffer.data(), std::min<std::uint64_t>(end - begin, buffer.size()),
                static_cast<off_t>(begin));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw cannot("read", path);
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
    write_at(to, to_size, bytes, path);
    to_size += bytes.size();
    begin += bytes.size();
  }
}

void rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) throw cannot("rename", from);
}

}  // namespace reject_io

}  // namespace sluice::rejects
