#include "source/unpacking_source.hpp"

#include <algorithm>
#include <vector>

#include "base/quantity.hpp"

namespace sluice::source {

Unreadable cut_off(const std::string& name, const std::string& packing, const std::string& place) {
  return {FailureKind::failed,
          name + ": its " + packing + " ends too early, " + place +
              ": it was cut off, is damaged, or is still being written",
          "with the whole file", Unreadable::Why::cut_off};
}

Unreadable damaged(const std::string& name, const std::string& what) {
  return {FailureKind::failed, name + ": is damaged: " + what,
          "with a good copy of the file, if that has what is stored,", Unreadable::Why::damaged};
}

std::size_t UnpackingSource::read_some(char* into, std::size_t size) {
  if (stopped_) return 0;
  const std::size_t got = ahead_.empty() ? make(into, size) : ahead_.copy(into, size);
  if (!ahead_.empty()) ahead_.erase(0, got);
  read_ += got;
  if (options_.bytes_max && read_ > *options_.bytes_max) {
    throw Unreadable(FailureKind::failed,
                     name() + ": unpacks to more than " + format_bytes(*options_.bytes_max) +
                         " (see --max-bytes)",
                     "with a larger --max-bytes");
  }
  return got;
}

std::string UnpackingSource::beginning(std::size_t bytes) {
  std::string text(bytes, '\0');
  std::size_t done = 0;
  while (done < bytes) {
    const std::size_t got = make(text.data() + done, bytes - done);
    if (got == 0) break;
    done += got;
  }
  text.resize(done);
  ahead_ = text;
  return text;
}

bool UnpackingSource::rewind() {
  if (!inner_->rewind()) return false;
  read_ = 0;
  ahead_.clear();
  begin();
  return true;
}

bool UnpackingSource::seek(std::uint64_t offset) {
  if (offset < read_ && !rewind()) return false;
  std::vector<char> skipped(std::min<std::uint64_t>(offset - read_, limits::ahead_bytes));
  while (read_ < offset) {
    const std::size_t wanted = std::min<std::uint64_t>(offset - read_, skipped.size());
    if (read(skipped.data(), wanted) < wanted) break;
  }
  return read_ == offset;
}

void UnpackingSource::stop() {
  stopped_ = true;
  inner_->stop();
}

}  // namespace sluice::source
