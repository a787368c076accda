#include "pgsluice/called_source.hpp"

#include "base/failure.hpp"

namespace pgsluice::inner {

std::size_t CalledSource::read(char* into, std::size_t size) {
  const auto read_on = [this](char* at, std::size_t most) { return this->read_on(at, most); };
  return beginning_.read(into, size, read_on);
}

/// Until it is full: fewer bytes than are wanted are the end, for who reads a Source.
std::size_t CalledSource::read_on(char* into, std::size_t size) {
  std::size_t done = 0;
  while (done < size && !has_ended_ && !is_stopped_) {
    const std::size_t got = stream_.read(into + done, size - done);
    if (got > size - done)  // -1, as read(2) has it, for one
      throw sluice::Failure(sluice::FailureKind::usage,
                            stream_.name + ": read returned more bytes than there was room for");
    has_ended_ = got == 0;
    done += got;
  }
  return done;
}

}  // namespace pgsluice::inner
