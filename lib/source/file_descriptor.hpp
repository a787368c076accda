#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace sluice::source {

/// Owns a POSIX file descriptor.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const noexcept { return fd_; }
  /// It is the caller's from here on.
  int release() noexcept { return std::exchange(fd_, -1); }

  /// Of the same open file; -1 where the system has no more of them.
  FileDescriptor copy() const {
    return FileDescriptor(fd_ < 0 ? -1 : ::fcntl(fd_, F_DUPFD_CLOEXEC, 0));
  }

 private:
  int fd_;
};

}  // namespace sluice::source
