#pragma once

#include <string>
#include <string_view>

/// The parts of a URL, and how text stands in it (RFC 3986).
namespace sluice::s3 {

/// "https://host:9000/a/b?c=d": as it is written, nothing decoded.
struct UrlParts {
  std::string_view scheme;     ///< "https"
  std::string_view authority;  ///< "host:9000"
  std::string_view path;       ///< "/a/b", or ""
  std::string_view query;      ///< "c=d", or ""
};

/// REQUIRES: `url` outlives the parts. What is no URL has no scheme. A fragment is in no part.
UrlParts url_parts(std::string_view url);

/// All but A-Z a-z 0-9 - . _ ~ as %XX: what signatures ask for in a name or a value.
std::string url_encoded(std::string_view text);
/// The same, but for the slashes.
std::string url_encoded_path(std::string_view path);

/// %XX as a byte; what is no %XX stays.
std::string url_decoded(std::string_view text);
/// The same for a form, where a plus is a blank.
std::string form_decoded(std::string_view text);

}  // namespace sluice::s3
