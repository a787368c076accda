#include "http/answer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/ascii.hpp"
#include "base/printable.hpp"
#include "base/trimmed.hpp"
#include "http/curl.hpp"

namespace sluice::http {
namespace {

/// Takes digits from the front; nothing where there are none, or too many.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

bool is_same_text(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, {}, ascii_lower, ascii_lower);
}

constexpr std::array reasons{
    std::pair{400, "Bad Request"},       std::pair{401, "Unauthorized"},
    std::pair{403, "Forbidden"},         std::pair{404, "Not Found"},
    std::pair{408, "Request Timeout"},   std::pair{410, "Gone"},
    std::pair{429, "Too Many Requests"}, std::pair{500, "Internal Server Error"},
    std::pair{502, "Bad Gateway"},       std::pair{503, "Service Unavailable"},
    std::pair{504, "Gateway Timeout"},
};

}  // namespace

std::optional<ContentRange> content_range_of(const Response& answer) {
  const std::optional<std::string> value = answer.header("Content-Range");
  if (!value) return std::nullopt;
  std::string_view text = *value;
  if (!take(text, "bytes ")) return std::nullopt;
  const auto first = take_number(text);
  if (!first || !take(text, "-")) return std::nullopt;
  const auto last = take_number(text);
  if (!last || !take(text, "/") || *last < *first) return std::nullopt;
  ContentRange range{.first = *first, .last = *last, .total = {}};
  if (text == "*") return range;
  range.total = take_number(text);
  if (!range.total || !text.empty() || *range.total <= *last) return std::nullopt;
  return range;
}

std::optional<std::uint64_t> content_length_of(const Response& answer) {
  const std::optional<std::string> value = answer.header("Content-Length");
  if (!value) return std::nullopt;
  std::string_view text = *value;
  const auto length = take_number(text);
  return text.empty() ? length : std::nullopt;
}

std::string strong_etag_of(const Response& answer) {
  const std::string etag = answer.header("ETag").value_or("");
  const bool is_strong = etag.size() > 2 && etag.starts_with('"') && etag.ends_with('"');
  return is_strong ? etag : std::string();
}

std::optional<std::chrono::milliseconds> retry_after_of(const Response& answer, std::int64_t now) {
  constexpr std::uint64_t most = 7 * 24 * 3600;
  const std::optional<std::string> value = answer.header("Retry-After");
  if (!value || value->empty()) return std::nullopt;
  std::string_view text = *value;
  if (const auto seconds = take_number(text); seconds && text.empty())
    return std::chrono::seconds(std::min(*seconds, most));
  const std::int64_t date = curl().getdate(value->c_str(), nullptr);
  if (date < 0) return std::nullopt;
  const std::int64_t left = std::clamp<std::int64_t>(date - now, 0, most);
  return std::chrono::seconds(left);
}

std::string coding_text(const Response& answer) {
  std::string text;
  for (const auto& [name, value] : answer.headers) {
    if (!is_same_text(name, "Transfer-Encoding")) continue;
    if (!text.empty()) text += ", ";
    text += value;
  }
  return text;
}

Coding coding_of(const Response& answer) {
  const std::string text = coding_text(answer);
  Coding coding = Coding::none;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string_view one = trimmed(std::string_view(text).substr(at, end - at));
    at = end + 1;
    if (one.empty()) continue;
    // What is in chunks is coded no further.
    if (coding == Coding::chunks) return Coding::other;
    if (is_same_text(one, "chunked")) {
      coding = Coding::chunks;
    } else if (!is_same_text(one, "identity")) {
      return Coding::other;
    }
  }
  return coding;
}

std::string unread_packing(const Response& answer) {
  static constexpr std::array unread{"br", "deflate", "compress", "x-compress", "dcb", "dcz"};
  const std::string text = in_small_letters(answer.header("Content-Encoding").value_or(""));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string_view one = trimmed(std::string_view(text).substr(at, end - at));
    if (std::ranges::find(unread, one) != unread.end()) return std::string(one);
    at = end + 1;
  }
  return {};
}

bool is_page(const Response& answer) {
  const std::string type = answer.header("Content-Type").value_or("");
  return is_same_text(trimmed(std::string_view(type).substr(0, type.find(';'))), "text/html");
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_transient(int status) { return status == 408 || status == 429 || status >= 500; }

std::string status_text(int status, std::string_view reason) {
  constexpr std::size_t most = 80;
  std::string text(reason.substr(0, most));
  const auto known =
      std::ranges::find(reasons, status, [](const auto& each) { return each.first; });
  if (text.empty() && known != reasons.end()) text = known->second;
  return std::to_string(status) + (text.empty() ? "" : " " + printable_line(text));
}

std::optional<std::time_t> date_of(const Response& answer) {
  const std::time_t moment = curl().getdate(answer.header("Date").value_or("").c_str(), nullptr);
  return moment == -1 ? std::nullopt : std::optional(moment);
}

}  // namespace sluice::http
