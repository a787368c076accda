#include "source/continued_source.hpp"

#include <algorithm>

#include "base/failure.hpp"

namespace sluice::source {

void ContinuedSource::read_kept() {
  if (has_kept_) return;
  has_kept_ = true;
  kept_.resize(kept_bytes_);
  kept_.resize(both_->read(kept_.data(), kept_.size()));
}

std::size_t ContinuedSource::read(char* into, std::size_t size) {
  read_kept();
  if (is_in_rest_) return both_->read(into, size);
  // Fewer bytes than are asked for would be the end.
  if (size > kept_.size() - at_) {
    throw Failure(FailureKind::failed,
                  name() + ": more of its beginning is asked for than was kept of it (" +
                      std::to_string(kept_.size()) + " bytes): send all of it again");
  }
  std::copy_n(kept_.data() + at_, size, into);
  at_ += size;
  return size;
}

bool ContinuedSource::rewind() {
  if (is_in_rest_) return false;
  at_ = 0;
  return true;
}

bool ContinuedSource::seek(std::uint64_t offset) {
  if (is_in_rest_) return false;
  read_kept();
  is_in_rest_ = offset == offset_;
  if (!is_in_rest_ && offset > kept_.size()) return false;
  at_ = static_cast<std::size_t>(std::min<std::uint64_t>(offset, kept_.size()));
  return true;
}

}  // namespace sluice::source
