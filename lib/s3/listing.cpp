#include "s3/listing.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/printable.hpp"
#include "base/quantity.hpp"
#include "s3/paging.hpp"
#include "s3/pattern.hpp"
#include "s3/url_text.hpp"
#include "s3/xml.hpp"

namespace sluice::s3 {
namespace {

/// What one command may name; a page has a thousand keys.
constexpr std::size_t objects_max = 1'000'000;
constexpr std::size_t kept_bytes_max = 128 * limits::MiB;
constexpr std::size_t pages_max = 100'000;
/// Keys that no S3 has: who names so many of them is none.
constexpr std::size_t too_long_max = 10'000;
/// Of one page: a region or two to learn, and new keys.
constexpr int tries_max = 4;

struct Entry {
  std::string key;
  std::string bytes;
  std::string etag;
};

/// What the elements of an answer say, before it is judged.
struct Answer {
  bool is_listing = false;
  std::string is_truncated;
  std::string encoding;
  std::string next;
  std::vector<Entry> entries;
  Entry open;

  void take(const XmlElement& element) {
    const auto& path = element.path;
    const std::string& name = path.back();
    if (path.size() == 1) is_listing = name == "ListBucketResult";
    if (path.size() == 2 && name == "IsTruncated") is_truncated = element.text;
    if (path.size() == 2 && name == "EncodingType") encoding = element.text;
    if (path.size() == 2 && name == "NextContinuationToken") next = element.text;
    if (path.size() == 2 && name == "Contents") entries.push_back(std::exchange(open, {}));
    if (path.size() != 3 || path[1] != "Contents") return;
    if (name == "Key") open.key = element.text;
    if (name == "Size") open.bytes = element.text;
    if (name == "ETag") open.etag = element.text;
  }
};

[[noreturn]] void refuse_listing(const std::string& what, const std::string& problem) {
  throw Failure(FailureKind::failed, what + ": the server's listing " + problem);
}

std::uint64_t count_in(const std::string& text, const std::string& what) {
  std::uint64_t count = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, count);
  const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (error != std::errc() || end != last || count > most)
    refuse_listing(what, "has a size that is none: " + printable_line(text.substr(0, 40)));
  return count;
}

constexpr std::size_t etag_bytes_max = 1024;

/// Some servers leave the quotes out, which If-Match needs.
std::string quoted_etag(const std::string& etag) {
  const bool is_bare = !etag.empty() && !etag.ends_with('"');
  const bool is_sound = std::ranges::all_of(etag, [](char c) { return c >= ' ' && c < '\x7f'; });
  if (!is_sound) return "";
  if (etag.size() > etag_bytes_max) return "";
  return is_bare ? "\"" + etag + "\"" : etag;
}

/// What one listing gathers.
class Gathering {
 public:
  Gathering(Bucket& bucket, const Address& address, const http::Send& send, Kept& kept)
      : bucket_(bucket),
        what_(printable_line(address.text())),
        send_(send),
        pattern_(address.key),
        kept_(kept) {}

  std::vector<Object> run(const Say& say) {
    for (const std::string& prefix : pattern_.prefixes()) list_all(prefix);
    if (too_long_ > 0 && say)
      say(what_ + ": " + (too_long_ == 1 ? "1 key is" : std::to_string(too_long_) + " keys are") +
          " left out: longer than " + std::to_string(key_bytes_max) +
          " bytes, which no object of S3 has");
    std::ranges::sort(found_, {}, &Object::key);
    // One that was replaced while it was listed may be there twice.
    const auto rest = std::ranges::unique(found_, {}, &Object::key);
    found_.erase(rest.begin(), rest.end());
    return std::move(found_);
  }

 private:
  void list_all(const std::string& prefix) {
    std::string token;
    Paging paging;
    do {
      if (++pages_ > pages_max)
        throw Failure(FailureKind::usage,
                      what_ +
                          ": there is too much to look through; begin the pattern with more "
                          "that is literal");
      Page page = page_of(ask(prefix, token), what_);
      if (const std::string problem = paging.take(page); !problem.empty())
        refuse_listing(what_, problem + " (" + bucket_.server() + ")");
      for (Object& each : page.objects) take(std::move(each));
      token = std::move(page.next);
    } while (!token.empty());
  }

  /// Made anew where an answer says that the bucket is elsewhere, or that the keys are too old.
  std::string ask(const std::string& prefix, const std::string& token) {
    for (int tries = 1;; ++tries) {
      const http::Request request = bucket_.list(prefix, token);
      http::Response response = send_(request);
      if (response.status == 200) return std::move(response.body);
      if (tries == tries_max || !bucket_.learn(request, response))
        throw bucket_.failure(response, what_);
    }
  }

  void take(Object object) {
    if (object.key.size() > key_bytes_max) {
      if (++too_long_ > too_long_max)
        refuse_listing(
            what_, "has too many keys that are longer than any of S3's (" + bucket_.server() + ")");
      return;
    }
    if (object.bytes == 0 && object.key.ends_with('/')) return;
    if (!pattern_.matches(object.key)) return;
    kept_.bytes += object.key.size() + object.etag.size();
    if (++kept_.objects > objects_max || kept_.bytes > kept_bytes_max) refuse_more();
    found_.push_back(std::move(object));
  }

  [[noreturn]] void refuse_more() const {
    const std::string most = kept_.objects > objects_max
                                 ? std::to_string(objects_max) + " objects"
                                 : format_bytes(kept_bytes_max) + " of keys";
    throw Failure(FailureKind::usage,
                  what_ + ": matches too much: one command names " + most + " at most",
                  "Load them by several commands, each with a narrower pattern.");
  }

  Bucket& bucket_;
  std::string what_;
  const http::Send& send_;
  Pattern pattern_;
  Kept& kept_;
  std::vector<Object> found_;
  std::size_t too_long_ = 0;
  std::size_t pages_ = 0;
};

}  // namespace

Page page_of(const std::string& body, const std::string& what) {
  Answer answer;
  read_xml(body, what, [&answer](const XmlElement& element) { answer.take(element); });
  if (!answer.is_listing) refuse_listing(what, "is none");
  if (!answer.encoding.empty() && answer.encoding != "url")
    refuse_listing(what, "has an encoding that nobody has asked for");
  if (answer.is_truncated != "true" && answer.is_truncated != "false")
    refuse_listing(what, "does not say whether it is whole");
  const bool goes_on = answer.is_truncated == "true";
  if (goes_on && answer.next.empty()) refuse_listing(what, "goes on, and does not say where");
  Page page{.objects = {}, .next = goes_on ? answer.next : ""};
  for (const Entry& entry : answer.entries) {
    std::string key = answer.encoding == "url" ? form_decoded(entry.key) : entry.key;
    if (key.empty()) refuse_listing(what, "has an object without a key");
    page.objects.push_back({.key = std::move(key),
                            .bytes = count_in(entry.bytes, what),
                            .etag = quoted_etag(entry.etag)});
  }
  return page;
}

std::vector<Object> list(Bucket& bucket, const Address& address, const http::Send& send, Kept& kept,
                         const Say& say) {
  return Gathering(bucket, address, send, kept).run(say);
}

}  // namespace sluice::s3
