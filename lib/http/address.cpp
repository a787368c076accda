#include "http/address.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <vector>

#include "base/failure.hpp"
#include "base/printable.hpp"

namespace sluice::http {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using UrlPtr = std::unique_ptr<CURLU, FreeUrl>;

constexpr unsigned parsing = CURLU_URLENCODE | CURLU_ALLOW_SPACE;

char lower(char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); }

std::string lower(std::string_view text) {
  std::string small(text);
  for (char& c : small) c = lower(c);
  return small;
}

/// Empty where there is no such part.
std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

Address address_in(CURLU* url) {
  Address address;
  address.user = part(url, CURLUPART_USER, CURLU_URLDECODE);
  address.password = part(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
  address.has_login = !address.user.empty() || !address.password.empty();
  for (const CURLUPart secret :
       {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_FRAGMENT})
    curl_url_set(url, secret, nullptr, 0);
  address.url = part(url, CURLUPART_URL, CURLU_NO_DEFAULT_PORT);
  address.origin = lower(part(url, CURLUPART_SCHEME) + "://" + part(url, CURLUPART_HOST)) + ":" +
                   part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  return address;
}

/// Parameters by which a URL is signed, and others that are secrets.
bool is_secret_parameter(std::string_view parameter) {
  static constexpr std::array prefixes{"x-amz-", "x-goog-"};
  static constexpr std::array names{"sig",
                                    "se",
                                    "sp",
                                    "sv",
                                    "signature",
                                    "expires",
                                    "token",
                                    "access_token",
                                    "awsaccesskeyid",
                                    "googleaccessid",
                                    "key-pair-id",
                                    "api_key",
                                    "apikey",
                                    "password",
                                    "secret"};
  const std::string name = lower(parameter.substr(0, parameter.find('=')));
  return std::ranges::any_of(prefixes, [&](const char* each) { return name.starts_with(each); }) ||
         std::ranges::any_of(names, [&](const char* each) { return name == each; });
}

/// What begins like a URL, without what may be a secret of one.
std::string roughly(const std::string& text) {
  const std::size_t host = std::min(text.find("://"), text.size());
  const std::size_t begin = std::min(host + 3, text.size());
  const std::size_t end = std::min(text.find_first_of("?#", begin), text.size());
  // A password may have a slash in it that is not written as %2F.
  const std::size_t at = text.rfind('@', end);
  const bool has_login = at != std::string::npos && at >= begin;
  return text.substr(0, begin) +
         text.substr(has_login ? at + 1 : begin, end - (has_login ? at + 1 : begin));
}

Failure wrong(const std::string& url, CURLUcode why) {
  return {FailureKind::usage, printable_line(roughly(url)) + ": is no URL that can be read (" +
                                  curl_url_strerror(why) +
                                  "); write for example https://host/trips.csv.gz"};
}

}  // namespace

bool is_url(std::string_view text) {
  const std::string begins = lower(text.substr(0, 8));
  return begins.starts_with("http://") || begins.starts_with("https://");
}

Address address_of(const std::string& url) {
  const UrlPtr parsed(curl_url());
  if (!parsed) throw std::bad_alloc();
  const CURLUcode result = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), parsing);
  if (result != CURLUE_OK) throw wrong(url, result);
  return address_in(parsed.get());
}

Address address_behind(const Address& from, const std::string& location) {
  const UrlPtr parsed(curl_url());
  if (!parsed) throw std::bad_alloc();
  CURLUcode result = curl_url_set(parsed.get(), CURLUPART_URL, from.url.c_str(), parsing);
  if (result == CURLUE_OK)
    result = curl_url_set(parsed.get(), CURLUPART_URL, location.c_str(),
                          parsing | CURLU_NON_SUPPORT_SCHEME);
  const std::string scheme = lower(part(parsed.get(), CURLUPART_SCHEME));
  if (result != CURLUE_OK || (scheme != "http" && scheme != "https")) {
    throw Failure(FailureKind::failed, "the server sends on to what is no URL");
  }
  Address to = address_in(parsed.get());
  if (from.is_secure() && !to.is_secure()) {
    throw Failure(FailureKind::failed, "the server sends on from https to " + to.origin +
                                           ", which is not followed: anybody on the way could "
                                           "read and change it");
  }
  return to;
}

std::string name_of(const Address& address) {
  const std::size_t mark = address.url.find('?');
  if (mark == std::string::npos) return address.url;
  std::string kept;
  for (std::size_t at = mark + 1; at < address.url.size();) {
    const std::size_t end = std::min(address.url.find('&', at), address.url.size());
    const std::string parameter = address.url.substr(at, end - at);
    if (!parameter.empty() && !is_secret_parameter(parameter))
      kept += (kept.empty() ? "?" : "&") + parameter;
    at = end + 1;
  }
  return address.url.substr(0, mark) + kept;
}

std::string shown_url(const std::string& text) {
  try {
    return name_of(address_of(text));
  } catch (const Failure&) {
    return roughly(text);
  }
}

std::string file_name_of(const std::string& url) {
  const std::string path = url.substr(0, url.find_first_of("?#"));
  const std::size_t host = path.find("://");
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || host == std::string::npos || slash < host + 3) return {};
  int size = 0;
  char* const text = curl_easy_unescape(nullptr, path.c_str() + slash + 1, 0, &size);
  if (text == nullptr) return {};
  std::string name(text, static_cast<std::size_t>(size));
  curl_free(text);
  std::erase_if(name, [](char c) { return c == '/' || c == '\0'; });
  return name == "." || name == ".." ? std::string() : name;
}

}  // namespace sluice::http
