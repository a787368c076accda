#include "source/marked_source.hpp"

#include <algorithm>

#include "source/transcoder.hpp"

namespace sluice::source {

MarkedSource::MarkedSource(std::unique_ptr<Source> inner, bool has_mark)
    : inner_(std::move(inner)), mark_bytes_(has_mark ? utf8_mark.size() : 0) {}

void MarkedSource::look() {
  ahead_.assign(utf8_mark.size(), '\0');
  ahead_.resize(inner_->read(ahead_.data(), ahead_.size()));
  is_known_ = true;
  mark_bytes_ = ahead_ == utf8_mark ? utf8_mark.size() : 0;
  if (mark_bytes_ > 0) ahead_.clear();
}

std::size_t MarkedSource::take_ahead(char* into, std::size_t size) {
  const std::size_t taken = ahead_.copy(into, size);
  ahead_.erase(0, taken);
  return taken;
}

std::size_t MarkedSource::read(char* into, std::size_t size) {
  if (!is_known_) look();
  const std::size_t had = take_ahead(into, size);
  return had < size ? had + inner_->read(into + had, size - had) : had;
}

std::size_t MarkedSource::read_some(char* into, std::size_t size) {
  if (!is_known_) look();
  const std::size_t had = take_ahead(into, size);
  return had > 0 ? had : inner_->read_some(into, size);
}

bool MarkedSource::rewind() {
  if (!inner_->rewind()) return false;
  is_known_ = false;
  ahead_.clear();
  return true;
}

bool MarkedSource::seek(std::uint64_t offset) {
  if (!is_known_) look();
  ahead_.clear();
  return inner_->seek(offset + mark_bytes_);
}

std::optional<std::uint64_t> MarkedSource::told_length() const {
  const std::optional<std::uint64_t> whole = inner_->told_length();
  return whole ? std::optional(*whole - std::min(*whole, mark_bytes_)) : std::nullopt;
}

std::optional<std::uint64_t> MarkedSource::length() const {
  const auto length = inner_->length();
  return length ? std::optional(*length - std::min(*length, mark_bytes_)) : length;
}

std::string MarkedSource::tail(std::size_t bytes) const {
  const auto length = this->length();
  return inner_->tail(length ? std::min<std::uint64_t>(bytes, *length) : bytes);
}

std::uint64_t MarkedSource::origin() {
  if (encoding() == nullptr) return inner_->origin() - ahead_.size();
  return inner_->origin() - Untranscoder(*encoding()).bytes_of(ahead_).size();
}

std::unique_ptr<Source> behind_mark(std::unique_ptr<Source> text) {
  if (!text->length()) return std::make_unique<MarkedSource>(std::move(text));
  if (text->beginning(utf8_mark.size()) != utf8_mark) return text;
  return std::make_unique<MarkedSource>(std::move(text), true);
}

}  // namespace sluice::source
