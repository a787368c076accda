#include "source/stream_source.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "base/failure.hpp"

namespace sluice::source {

StreamSource::StreamSource(std::string name, FileDescriptor fd, FileDescriptor seal,
                           std::optional<std::uint64_t> told_length)
    : name_(std::move(name)),
      fd_(std::move(fd)),
      seal_(std::move(seal)),
      told_length_(told_length),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_.get() < 0) throw Failure(FailureKind::failed, "eventfd: " + errno_message(errno));
}

std::size_t StreamSource::read(char* into, std::size_t size) {
  return beginning_.read(into, size,
                         [this](char* to, std::size_t most) { return read_on(to, most); });
}

std::size_t StreamSource::read_on(char* into, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    pollfd waits[2] = {{fd_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0) {
      if (errno == EINTR) continue;
      throw Failure(FailureKind::failed, name_ + ": " + errno_message(errno));
    }
    if (waits[1].revents != 0) break;
    // A FIFO is not hung up before it has had a writer (poll(2); the system remembers that for each
    // open end), so the 0 of a read is its end, and not that nobody has come.
    const ssize_t got = ::read(fd_.get(), into + done, size - done);
    if (got == 0) {
      require_seal();
      break;
    }
    if (got < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      throw Failure(FailureKind::failed, name_ + ": cannot read: " + errno_message(errno));
    }
    done += static_cast<std::size_t>(got);
  }
  return done;
}

/// The writer has closed both, or sealed it before: there is nothing to wait for.
void StreamSource::require_seal() {
  if (seal_.get() < 0) return;
  char byte = 0;
  ssize_t got = -1;
  do got = ::read(seal_.get(), &byte, 1);
  while (got < 0 && errno == EINTR);
  if (got != 1) {
    throw Failure(FailureKind::failed,
                  name_ +
                      ": who wrote it has gone before all of it was there; what is stored "
                      "stays, and the same content goes on from there");
  }
  seal_ = FileDescriptor();
}

void StreamSource::stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

}  // namespace sluice::source
