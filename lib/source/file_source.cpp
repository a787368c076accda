#include "source/file_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "base/failure.hpp"
#include "base/path_text.hpp"
#include "source/packing.hpp"

namespace sluice::source {

FileSource::FileSource(std::string path, FileDescriptor fd)
    : path_(std::move(path)), name_(text_of_path(path_)), fd_(std::move(fd)) {
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0)
    throw Failure(FailureKind::failed, path_ + ": " + errno_message(errno));
  file_ = FileIdentity::of(status);
  size_ = file_.bytes;
  opening_stamp_ = stamp_of(status);
  ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
}

std::size_t FileSource::read(char* into, std::size_t size) {
  if (stopped_) return 0;
  const std::size_t got = read_at(offset_, into, std::min<std::uint64_t>(size, size_ - offset_));
  offset_ += got;
  return got;
}

bool FileSource::seek(std::uint64_t offset) {
  offset_ = std::min(offset, size_);
  return offset <= size_;
}

std::string FileSource::stamp() const {
  struct stat status{};
  return ::fstat(fd_.get(), &status) == 0 ? stamp_of(status) : std::string();
}

std::string FileSource::stamp_of(const struct stat& status) const {
  // A file that has been put in its place meanwhile makes a difference too.
  struct stat named{};
  const bool is_replaced = ::stat(path_.c_str(), &named) == 0 &&
                           (named.st_ino != status.st_ino || named.st_dev != status.st_dev);
  std::array<char, HOST_NAME_MAX + 1> host{};
  ::gethostname(host.data(), host.size() - 1);
  return std::string(host.data()) + " " + std::to_string(status.st_dev) + ":" +
         std::to_string(status.st_ino) + " " + std::to_string(status.st_size) + " " +
         std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec) +
         " " + std::to_string(status.st_ctim.tv_sec) + "." +
         std::to_string(status.st_ctim.tv_nsec) + (is_replaced ? " replaced" : "");
}

std::string FileSource::tail(std::size_t bytes) const {
  std::string text(std::min<std::uint64_t>(bytes, size_), '\0');
  text.resize(read_at(size_ - text.size(), text.data(), text.size()));
  return text;
}

std::string FileSource::oddity() const {
  const Packing promised = packing_of_name(name_);
  if (promised == Packing::none) return {};
  return name_ + " is not packed, whatever its name says";
}

std::string FileSource::identity() const {
  char* const resolved = ::realpath(path_.c_str(), nullptr);
  if (resolved == nullptr) return name_;
  std::string result(resolved);
  std::free(resolved);
  return text_of_path(result);
}

std::size_t FileSource::read_at(std::uint64_t offset, char* into, std::size_t size) const {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got =
        ::pread(fd_.get(), into + done, size - done, static_cast<off_t>(offset + done));
    if (got == 0) break;  // truncated under us
    if (got < 0) {
      if (errno == EINTR) continue;
      throw Failure(FailureKind::failed, path_ + ": cannot read at byte " +
                                             std::to_string(offset + done) + ": " +
                                             errno_message(errno));
    }
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace sluice::source
