#include "app/whole_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/failure.hpp"
#include "source/file_descriptor.hpp"

namespace sluice::app {

void write_whole_file(const std::string& path, const std::string& text, const std::string& who) {
  const std::string temporary = path + ".tmp";
  const auto fail = [&who](const std::string& at, int error) {
    throw Failure(FailureKind::failed, who + at + ": " + errno_message(error));
  };
  ::unlink(temporary.c_str());  // of one that was killed
  const source::FileDescriptor file(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (file.get() < 0) fail(temporary, errno);
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::write(file.get(), text.data() + done, text.size() - done);
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  const bool is_whole = done == text.size() && ::fsync(file.get()) == 0;
  if (is_whole && ::rename(temporary.c_str(), path.c_str()) == 0) return;
  const int error = errno;
  ::unlink(temporary.c_str());
  fail(path, error);
}

}  // namespace sluice::app
