#include "chunk/footer.hpp"

#include <algorithm>
#include <cstring>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"

namespace sluice::chunk {

std::size_t Footer::read(char* into, std::size_t size) {
  if (!knows_begin_) {
    begin_ = begin_of_last(options_.lines);
    knows_begin_ = true;
  }
  while (begin_ - used_ < size && !at_end_) read_on();
  const std::size_t taken = std::min(size, begin_ - used_);
  std::memcpy(into, held_.data() + used_, taken);
  used_ += taken;
  return taken;
}

void Footer::read_on() {
  held_.erase(0, used_);
  begin_ -= used_;
  used_ = 0;
  const std::size_t had = held_.size();
  if (had - begin_ > options_.bytes_max) {
    throw Failure(FailureKind::bad_record, source_.name() + ": " + std::to_string(options_.lines) +
                                               " lines that may be its last are larger than " +
                                               format_bytes(options_.bytes_max) +
                                               " (see --skip-footer, --max-record-bytes)");
  }
  held_.resize(had + limits::scan_slice_bytes);
  const std::size_t got = source_.read(held_.data() + had, limits::scan_slice_bytes);
  held_.resize(had + got);
  at_end_ = got < limits::scan_slice_bytes;
  begin_ = std::max(begin_, begin_of_last(options_.lines));
}

/// Where the last lines begin. Before the source's end, what it ends with now may be the beginning
/// of one more.
std::size_t Footer::begin_of_last(std::uint64_t lines) const {
  const bool any = options_.line_end == csv::LineEnd::any;
  const char last_of_end = options_.line_end == csv::LineEnd::cr ? '\r' : '\n';
  const auto ends_line = [&](std::size_t at) {
    if (!any) return held_[at] == last_of_end;
    const bool is_pair = held_[at] == '\r' && at + 1 < held_.size() && held_[at + 1] == '\n';
    return held_[at] == '\n' || (held_[at] == '\r' && !is_pair);
  };
  const bool is_ended = held_.empty() || ends_line(held_.size() - 1);
  // The end in front of the last lines: their own ends come first.
  std::uint64_t ends = !at_end_ || is_ended ? lines + 1 : lines;
  for (std::size_t at = held_.size(); at > 0; --at) {
    if (ends_line(at - 1) && --ends == 0) return at;
  }
  return 0;
}

}  // namespace sluice::chunk
