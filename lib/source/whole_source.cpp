#include "source/whole_source.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "source/transcoder.hpp"

namespace sluice::source {
namespace {
constexpr std::size_t first_bytes = 64 * limits::KiB;
}

std::unique_ptr<Source> WholeSource::of(std::unique_ptr<Source> inner, std::size_t bytes_max) {
  // Most are small: what is not needed is not cleared either.
  std::string text;
  try {
    for (std::size_t room = std::min(bytes_max + 1, first_bytes); text.size() < bytes_max + 1;
         room = std::min(bytes_max + 1 - text.size(), 3 * text.size())) {
      const std::size_t had = text.size();
      text.resize(had + room);
      text.resize(had + inner->read(text.data() + had, room));
      if (text.size() < had + room) break;
    }
  } catch (const Failure&) {
    return nullptr;
  }
  if (text.size() > bytes_max) return nullptr;
  text.shrink_to_fit();
  return std::unique_ptr<Source>(new WholeSource(std::move(inner), std::move(text)));
}

WholeSource::WholeSource(std::unique_ptr<Source> inner, std::string text)
    : inner_(std::move(inner)), text_(std::move(text)) {}

std::size_t WholeSource::read(char* into, std::size_t size) {
  if (stopped_) return 0;
  const std::size_t got = std::min(size, text_.size() - at_);
  std::memcpy(into, text_.data() + at_, got);
  at_ += got;
  return got;
}

bool WholeSource::seek(std::uint64_t offset) {
  at_ = std::min<std::uint64_t>(offset, text_.size());
  return offset <= text_.size();
}

void WholeSource::stop() {
  stopped_ = true;
  inner_->stop();
}

std::string WholeSource::tail(std::size_t bytes) const {
  return text_.substr(text_.size() - std::min(bytes, text_.size()));
}

std::uint64_t WholeSource::origin() {
  if (encoding() == nullptr) return at_;
  // All of it was read; a byte-order mark in front of it is no text.
  const std::string_view left = std::string_view(text_).substr(at_);
  return inner_->origin() - Untranscoder(*encoding()).bytes_of(left).size();
}

}  // namespace sluice::source
