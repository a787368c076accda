#include "source/transcoded_source.hpp"

#include <algorithm>
#include <cstring>

#include "base/limits.hpp"

namespace sluice::source {

TranscodedSource::TranscodedSource(std::unique_ptr<Source> inner, std::optional<Encoding> encoding)
    : inner_(std::move(inner)),
      encoding_(std::move(encoding)),
      is_known_(encoding_ && !encoding_->needs_mark()),
      transcoder_(is_known_ ? Transcoder::of(*encoding_) : nullptr),
      buffer_(limits::transcode_bytes),
      made_(limits::transcode_bytes) {}

std::size_t TranscodedSource::read_some(char* into, std::size_t size) {
  if (size == 0) return 0;
  if (!is_known_) recognise();
  // Where there is much room, what is made goes there at once.
  const bool is_direct = size >= made_.size();
  std::size_t got = 0;
  if (!left_.empty()) {
    got = std::min(size, left_.size());
    std::memcpy(into, left_.data(), got);
    left_.remove_prefix(got);
  } else if (is_direct) {
    got = convert(into, size);
  } else {
    left_ = {made_.data(), convert(made_.data(), made_.size())};
    return left_.empty() ? 0 : read_some(into, size);
  }
  given_ += got;
  return got;
}

/// A pipe says nothing before its first bytes have come.
void TranscodedSource::recognise() {
  constexpr std::size_t enough = 512;
  while (waiting_.size() < enough && refill()) {
  }
  const std::optional<Encoding> seen = encoding_of_beginning(waiting_);
  if (!encoding_ || (seen && seen->name.starts_with(encoding_->name))) {
    encoding_ = seen;
  } else {
    encoding_ = *encoding_named(encoding_->name + "LE");  // as Windows writes it
  }
  if (encoding_) transcoder_ = Transcoder::of(*encoding_);
  is_known_ = true;
}

/// Some bytes of text; 0 only at the end.
std::size_t TranscodedSource::convert(char* into, std::size_t size) {
  for (;;) {
    Transcoder::Step step;
    if (transcoder_) {
      step = transcoder_->convert(waiting_, is_last_, into, size);
    } else if (!waiting_.empty()) {
      step.taken = step.made = std::min(size, waiting_.size());
      std::memcpy(into, waiting_.data(), step.made);
    } else if (!is_last_) {
      const std::size_t got = inner_->read_some(into, size);
      is_last_ = got == 0;
      taken_ += got;
      return got;
    }
    waiting_.remove_prefix(step.taken);
    taken_ += step.taken;
    if (step.made > 0) return step.made;
    if (step.taken == 0 && !refill()) {
      // The end: what waits was the beginning of a character, or there is nothing.
      if (waiting_.empty()) return 0;
    }
  }
}

/// Reads on behind what waits. False at the end.
bool TranscodedSource::refill() {
  if (is_last_) return false;
  if (!waiting_.empty()) std::memmove(buffer_.data(), waiting_.data(), waiting_.size());
  const std::size_t kept = waiting_.size();
  const std::size_t got = inner_->read_some(buffer_.data() + kept, buffer_.size() - kept);
  is_last_ = got == 0;
  waiting_ = {buffer_.data(), kept + got};
  return got > 0;
}

bool TranscodedSource::rewind() {
  if (!inner_->rewind()) return false;
  if (transcoder_) transcoder_->reset();
  waiting_ = {};
  left_ = {};
  is_last_ = false;
  given_ = 0;
  taken_ = 0;
  return true;
}

bool TranscodedSource::seek(std::uint64_t offset) {
  if (!is_known_) recognise();
  if (!encoding_) {  // what is handed on as it is, is where it is in the other one
    if (offset > inner_->told_length().value_or(offset) || !inner_->seek(offset)) return false;
    waiting_ = left_ = {};
    is_last_ = false;
    given_ = offset;
    taken_ = offset;
    return true;
  }
  if (offset < given_ && !rewind()) return false;
  std::vector<char> skipped(limits::transcode_bytes);
  while (given_ < offset) {
    const std::size_t want = std::min<std::uint64_t>(skipped.size(), offset - given_);
    if (read_some(skipped.data(), want) == 0) return false;
  }
  return true;
}

std::optional<Source::Packed> TranscodedSource::packed() const {
  if (const auto packed = inner_->packed()) return packed;
  const auto length = inner_->length();
  return encoding_ && length ? std::optional(Packed{taken_, length}) : std::nullopt;
}

std::size_t TranscodedSource::memory_bytes() const {
  return inner_->memory_bytes() + buffer_.size() + made_.size();
}

std::uint64_t TranscodedSource::origin() {
  if (!encoding_) return given_;
  return taken_ - Untranscoder(*encoding_).bytes_of(left_).size();
}

}  // namespace sluice::source
