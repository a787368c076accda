#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/request.hpp"

/// What an answer's status and headers say. Pure.
namespace sluice::http {

/// "bytes 0-99/1000"
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::optional<std::uint64_t> total;  ///< nothing: "*"
};
std::optional<ContentRange> content_range_of(const Response& answer);

/// Nothing where it is missing, or no number.
std::optional<std::uint64_t> content_length_of(const Response& answer);

/// The ETag, as it is sent, where equal ones mean equal bytes; empty where there is none of that
/// kind.
std::string strong_etag_of(const Response& answer);

/// How long the server wants to be left alone: seconds, or a date. `now` is in seconds since 1970.
std::optional<std::chrono::milliseconds> retry_after_of(const Response& answer, std::int64_t now);

/// How the body is coded on its way.
enum class Coding {
  none,
  chunks,  ///< they tell where it ends
  other,   ///< one that is not read
};
Coding coding_of(const Response& answer);
/// Transfer-Encoding as it is sent, of all headers of that name.
std::string coding_text(const Response& answer);

/// By which packing of Content-Encoding the bytes can be read by nobody here: "br". Empty for
/// others: what they are is seen by their content, and some servers say what is not so.
std::string unread_packing(const Response& answer);

/// Whether the server calls it text/html.
bool is_page(const Response& answer);

bool is_redirect(int status);
/// Whether the same again may be answered otherwise.
bool is_transient(int status);

/// "403 Forbidden": with the reason that the server gives, if it is a text for people.
std::string status_text(int status, std::string_view reason);

/// When the server has sent it, by its clock; seconds since 1970.
std::optional<std::time_t> date_of(const Response& answer);

}  // namespace sluice::http
