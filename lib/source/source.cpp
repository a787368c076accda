#include "source/source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/failure.hpp"
#include "base/path_text.hpp"
#include "source/file_source.hpp"
#include "source/stream_source.hpp"

namespace sluice::source {

std::unique_ptr<Source> open(const std::string& path) {
  if (path == "-") {
    const int fd = ::dup(STDIN_FILENO);
    if (fd < 0) throw Failure(FailureKind::usage, "stdin: " + errno_message(errno));
    return std::make_unique<StreamSource>("stdin", FileDescriptor(fd));
  }
  // A FIFO is opened without waiting for its writer: that wait belongs where stop() can end it. A
  // terminal does not become the one whose Ctrl-C we hear.
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status{};
  if (fd.get() < 0) {
    const int error = errno;
    const bool is_socket = ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
    throw Failure(FailureKind::usage,
                  path + ": " +
                      (is_socket ? "is a socket; write what listens there into a pipe and load -"
                                 : errno_message(error)));
  }
  if (::fstat(fd.get(), &status) != 0)
    throw Failure(FailureKind::usage, path + ": " + errno_message(errno));
  if (S_ISDIR(status.st_mode)) {
    throw Failure(FailureKind::usage,
                  path + ": is a folder; name its files, for example " + path + "/*.csv");
  }
  if (S_ISREG(status.st_mode)) return std::make_unique<FileSource>(path, std::move(fd));
  return std::make_unique<StreamSource>(text_of_path(path), std::move(fd));
}

}  // namespace sluice::source
