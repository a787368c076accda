#include "source/http_source.hpp"

#include <algorithm>
#include <cstring>

#include "base/ascii.hpp"
#include "base/printable.hpp"
#include "source/unpacking_source.hpp"

namespace sluice::source {
namespace {

std::string whole_url(const std::string& path, const http::FetchOptions& options) {
  const auto known = options.urls->find(path);
  return known == options.urls->end() ? path : known->second;
}

bool is_named_page(const std::string& url) {
  const std::string file = in_small_letters(http::file_name_of(url));
  return file.ends_with(".htm") || file.ends_with(".html");
}

std::string place_of_url(const std::string& name) {
  const std::size_t path = name.find('/', name.find("://") + 3);
  return stamp_word(name.substr(0, path)) + " " +
         stamp_word(path == std::string::npos ? "/" : name.substr(path));
}

}  // namespace

std::string stamp_word(const std::string& text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string word;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '%') {
      word += c;
    } else {
      word += '%';
      word += digits[byte >> 4];
      word += digits[byte & 15];
    }
  }
  return word;
}

std::string object_stamp(const std::string& place, const std::string& etag,
                         std::optional<std::uint64_t> length) {
  return place + " " + stamp_word(etag) + " " + (length ? std::to_string(*length) : "-") + " http";
}

HttpSource::HttpSource(const std::string& path, const http::FetchOptions& options)
    : reader_(std::make_unique<http::ObjectReader>(http::address_of(whole_url(path, options)),
                                                   options)),
      place_(place_of_url(reader_->name())) {}

HttpSource::HttpSource(Requested object, const http::FetchOptions& options)
    : reader_(std::make_unique<http::ObjectReader>(std::move(object.requester), options,
                                                   std::move(object.listed_etag))),
      place_(std::move(object.place)) {}

bool HttpSource::is_known() const {
  if (!is_known_ && reader_->begin()) is_known_ = true;
  return is_known_;
}

std::size_t HttpSource::read_some(char* into, std::size_t size) {
  if (size == 0 || !is_known()) return 0;
  const std::uint64_t at = reader_->at();
  const std::size_t got = reader_->read_some(into, size);
  if (at == first_size_ && first_size_ < first_.size()) {
    const std::size_t now = std::min(got, first_.size() - first_size_);
    std::memcpy(first_.data() + first_size_, into, now);
    first_size_ += now;
  }
  if (got == 0) require_end();
  return got;
}

/// Whose end nobody tells may have been cut, a packed stream between two of its members too. A tar
/// has an end of its own, which is looked for by who reads it.
void HttpSource::require_end() const {
  if (reader_->facts().tells_end || reader_->is_stopped()) return;
  if (packing_of({first_.data(), first_size_}) == Packing::tar) return;
  throw Unreadable(FailureKind::failed,
                   name() +
                       ": the server tells neither how long it is nor where it ends, so it may "
                       "have been cut off",
                   "from a server that tells its length", Unreadable::Why::cut_off);
}

bool HttpSource::comes_once() const { return is_known() && !reader_->facts().has_ranges; }

std::optional<std::uint64_t> HttpSource::length() const {
  if (!is_known_ || !reader_->facts().has_ranges) return std::nullopt;
  return reader_->facts().length;
}

std::string HttpSource::stamp() const {
  if (!is_known_ || reader_->facts().etag.empty()) return {};
  return object_stamp(place_, reader_->facts().etag, reader_->facts().length);
}

std::string HttpSource::tail(std::size_t bytes) const {
  const std::optional<std::uint64_t> size = length();
  if (!size) return {};
  const std::uint64_t at = reader_->at();
  std::string text(std::min<std::uint64_t>(bytes, *size), '\0');
  reader_->seek(*size - text.size());
  std::size_t done = 0;
  while (done < text.size()) {
    const std::size_t got = reader_->read_some(text.data() + done, text.size() - done);
    if (got == 0) break;
    done += got;
  }
  text.resize(done);
  reader_->seek(at);
  return text;
}

std::size_t HttpSource::memory_bytes() const { return is_known_ ? reader_->memory_bytes() : 0; }

std::string HttpSource::oddity() const {
  const std::string shown = printable_line(name());
  std::string odd;
  const auto add = [&odd](const std::string& text) {
    if (!odd.empty()) odd += "; ";
    odd += text;
  };
  if (!is_known_) return odd;
  if (reader_->facts().is_page && !is_named_page(name()))
    add(shown + ": the server calls it text/html; is that a page to log in?");
  if (reader_->is_not_as_listed())
    add(shown + " has changed since it was listed, and is read as it is now");
  if (reader_->facts().has_ranges) return odd;
  const std::string why = reader_->facts().etag.empty() ? "no strong ETag" : "no ranges";
  add(shown + " comes in one answer, as the server has " + why + " for it");
  return odd;
}

}  // namespace sluice::source
