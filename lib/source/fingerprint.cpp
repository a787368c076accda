#include "source/fingerprint.hpp"

#include <xxhash.h>

#include "base/hex.hpp"
#include "base/limits.hpp"
#include "source/marked_source.hpp"

namespace sluice::source {
namespace {

std::string digest(std::string_view text) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, XXH3_128bits(text.data(), text.size()));
  return hex_of({reinterpret_cast<const char*>(bytes.digest), sizeof bytes.digest});
}

/// Of a content that is all beginning nothing is read once more.
std::string tail_of(const Source& source, std::string_view beginning) {
  const std::optional<std::uint64_t> length = source.length();
  const bool is_all = length && *length == beginning.size();
  if (is_all && beginning.size() <= limits::fingerprint_bytes) return std::string(beginning);
  return source.tail(limits::fingerprint_bytes);
}

}  // namespace

std::string fingerprint(const Source& source, std::string_view beginning) {
  std::string text = source.length() ? std::to_string(*source.length()) : "stream";
  text += '\n';
  text += beginning;
  text += tail_of(source, beginning);
  return digest(text);
}

std::string head_digest(std::string_view beginning) { return digest(beginning); }

std::string marked_beginning(std::string_view beginning, std::size_t bytes) {
  return (std::string(utf8_mark) + std::string(beginning)).substr(0, bytes);
}

MarkedDigests marked_digests(const Source& source, std::string_view beginning) {
  const std::optional<std::uint64_t> length = source.length();
  const std::string begins = marked_beginning(beginning);
  std::string tail = tail_of(source, beginning);
  if (length && *length < limits::fingerprint_bytes) {  // the mark may be in the last bytes too
    tail.insert(0, utf8_mark);
    if (tail.size() > limits::fingerprint_bytes)
      tail.erase(0, tail.size() - limits::fingerprint_bytes);
  }
  const std::string size = length ? std::to_string(*length + utf8_mark.size()) : "stream";
  return {digest(size + "\n" + begins + tail), digest(begins)};
}

std::string_view file_of_stamp(std::string_view stamp) {
  const std::size_t host = stamp.find(' ');
  const std::size_t end = host == std::string_view::npos ? host : stamp.find(' ', host + 1);
  return end == std::string_view::npos ? std::string_view() : stamp.substr(0, end);
}

bool is_only_touched(std::string_view before, std::string_view now) {
  const auto but_for_ctime = [](std::string_view stamp) {
    const std::size_t space = stamp.rfind(' ');
    return stamp.substr(0, space == std::string_view::npos ? 0 : space);
  };
  return before != now && !before.empty() && but_for_ctime(before) == but_for_ctime(now);
}

}  // namespace sluice::source
