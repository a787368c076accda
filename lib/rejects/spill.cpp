#include "rejects/spill.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/failure.hpp"
#include "base/limits.hpp"

namespace sluice::rejects {
namespace {

using source::FileDescriptor;

Failure cannot(const std::string& what) {
  return {FailureKind::failed, "cannot " + what + " a temporary file for bad records: " +
                                   errno_message(errno) + " (see TMPDIR)"};
}

FileDescriptor make_file() {
  std::error_code none;
  std::string path = std::filesystem::temp_directory_path(none).string();
  if (path.empty()) path = "/tmp";
  path += "/pgsluice-XXXXXX";
  FileDescriptor file(::mkostemp(path.data(), O_CLOEXEC));
  if (file.get() < 0) throw cannot("make");
  ::unlink(path.c_str());
  return file;
}

}  // namespace

void Spill::append(std::string_view bytes) {
  if (memory_.size() + bytes.size() > memory_max_) write_out();
  memory_ += bytes;
}

void Spill::write_out() {
  if (file_.get() < 0) file_ = make_file();
  for (std::string_view left = memory_; !left.empty();) {
    const ssize_t n =
        ::pwrite(file_.get(), left.data(), left.size(), static_cast<off_t>(file_size_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw cannot("write");
    left.remove_prefix(static_cast<std::size_t>(n));
    file_size_ += static_cast<std::uint64_t>(n);
  }
  memory_.clear();
}

std::string_view Spill::Reader::read(std::size_t bytes_max) {
  if (left_.empty()) fill();
  const std::string_view bytes = left_.substr(0, bytes_max);
  left_.remove_prefix(bytes.size());
  return bytes;
}

void Spill::Reader::read(char* to, std::size_t bytes) {
  while (bytes > 0) {
    const std::string_view next = read(bytes);
    if (next.empty()) throw cannot("read");
    std::memcpy(to, next.data(), next.size());
    to += next.size();
    bytes -= next.size();
  }
}

void Spill::Reader::fill() {
  if (file_at_ < spill_.file_size_) {
    buffer_.resize(std::min<std::uint64_t>(limits::spill_read_bytes, spill_.file_size_ - file_at_));
    ssize_t n = -1;
    do {
      n = ::pread(spill_.file_.get(), buffer_.data(), buffer_.size(), static_cast<off_t>(file_at_));
    } while (n < 0 && errno == EINTR);
    if (n <= 0) throw cannot("read");
    file_at_ += static_cast<std::uint64_t>(n);
    left_ = std::string_view(buffer_).substr(0, static_cast<std::size_t>(n));
  } else if (!is_in_memory_) {
    is_in_memory_ = true;
    left_ = spill_.memory_;
  }
}

}  // namespace sluice::rejects
