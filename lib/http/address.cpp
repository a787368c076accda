#include "http/address.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <vector>

#include "base/ascii.hpp"
#include "base/failure.hpp"
#include "base/printable.hpp"
#include "http/curl.hpp"

namespace sluice::http {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl().url_cleanup(url); }
};
using UrlPtr = std::unique_ptr<CURLU, FreeUrl>;

constexpr unsigned parsing = CURLU_URLENCODE | CURLU_ALLOW_SPACE;

/// Empty where there is no such part.
std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl().url_get(url, which, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl().free(text);
  return copy;
}

Address address_in(CURLU* url) {
  Address address;
  address.user = part(url, CURLUPART_USER, CURLU_URLDECODE);
  address.password = part(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
  address.has_login = !address.user.empty() || !address.password.empty();
  for (const CURLUPart secret :
       {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_FRAGMENT})
    curl().url_set(url, secret, nullptr, 0);
  address.url = part(url, CURLUPART_URL, CURLU_NO_DEFAULT_PORT);
  address.origin =
      in_small_letters(part(url, CURLUPART_SCHEME) + "://" + part(url, CURLUPART_HOST)) + ":" +
      part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  return address;
}

/// Of a query: with what separates it from the one before it.
struct Parameter {
  std::string_view text;  ///< "&token=x"
  bool is_secret = false;
  bool is_open = false;  ///< its value says how it is signed, and is no secret itself
};

std::string_view value_of(std::string_view parameter) {
  const std::size_t equals = parameter.find('=');
  if (equals != std::string_view::npos) return parameter.substr(equals + 1);
  return parameter.starts_with(';') ? parameter.substr(1) : std::string_view();
}

/// In small letters, without %XX and what joins words: "xamzsignature".
std::string plain_name(std::string_view parameter) {
  const std::string written(parameter.substr(0, parameter.find('=')));
  int size = 0;
  char* const text =
      curl().easy_unescape(nullptr, written.c_str(), static_cast<int>(written.size()), &size);
  if (text == nullptr) throw std::bad_alloc();
  std::string name = in_small_letters(std::string_view(text, static_cast<std::size_t>(size)));
  curl().free(text);
  std::erase_if(name, [](char c) { return c == '-' || c == '_' || c == ' ' || c == '+'; });
  return name;
}

/// Parameters by which a URL is signed, and others that are secrets.
bool is_secret_name(const std::string& name) {
  static constexpr std::array prefixes{"xamz", "xgoog", "xoss", "xcos", "qsign", "session"};
  static constexpr std::array ends{"token", "secret", "password", "signature"};
  static constexpr std::array names{
      "sig",
      "se",
      "sp",
      "sv",
      "expires",
      "awsaccesskeyid",
      "keypairid",
      "apikey",
      "key",
      "auth",
      "googleaccessid",
      "ossaccesskeyid",
      "sas",
      "jwt",
      "code",
      "policy",
      "accesskey",
      "secretkey",
      "pwd",
      "passwd",
      "pass",
      "qak",
      "qkeytime",
      "qheaderlist",
      "qurlparamlist",
      "authorization",
      "accesskeyid",
  };
  return std::ranges::any_of(prefixes, [&](const char* each) { return name.starts_with(each); }) ||
         std::ranges::any_of(ends, [&](const char* each) { return name.ends_with(each); }) ||
         std::ranges::any_of(names, [&](const char* each) { return name == each; });
}

/// Days, names of headers, the words for what is allowed.
bool is_open_name(std::string_view name) {
  static constexpr std::array ends{"date", "expires", "algorithm", "signedheaders", "list", "time"};
  return name == "se" || name == "sp" || name == "sv" ||
         std::ranges::any_of(ends, [&](const char* each) { return name.ends_with(each); });
}

/// They are separated by & or by ;, which may stand in a value too: what has no name goes with what
/// is in front of it.
std::vector<Parameter> parameters_of(std::string_view query) {
  std::vector<Parameter> all;
  for (std::size_t at = 0; at < query.size();) {
    const std::size_t end = std::min(query.find_first_of("&;", at + 1), query.size());
    const std::string_view text = query.substr(at, end - at);
    at = end;
    const bool is_more = text.starts_with(';') && text.find('=') == std::string_view::npos;
    const std::string name = plain_name(text.substr(text.find_first_not_of("&;") == 0 ? 0 : 1));
    Parameter parameter{text, is_secret_name(name), is_open_name(name)};
    if (is_more && !all.empty()) {
      parameter.is_secret = parameter.is_secret || all.back().is_secret;
      parameter.is_open = all.back().is_open;
    }
    all.push_back(parameter);
  }
  return all;
}

constexpr std::string_view nothing_shown = "***";

/// A login whose password has a ? or a # in it that is not encoded: what is in front of that looks
/// like a host then.
bool has_split_login(std::string_view url) {
  const std::size_t begin = url.find("://") + 3;
  const std::size_t end = url.find_first_of("/?#", begin);
  return end != std::string_view::npos && url[end] != '/' &&
         url.find('@', end) != std::string_view::npos;
}

/// What begins like a URL, without what may be a secret of one.
std::string roughly(const std::string& text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  if (text.compare(colon, 3, "://") != 0)
    return text.substr(0, colon + 1) + std::string(nothing_shown);
  const std::size_t begin = colon + 3;
  const std::size_t end = std::min(text.find_first_of("?#", begin), text.size());
  // A password may have a slash in it that is not written as %2F, or what ends a path.
  const std::size_t at = text.rfind('@', end);
  const bool has_login = at != std::string::npos && at >= begin;
  if (text.find('@', end) != std::string::npos)
    return text.substr(0, begin) + std::string(nothing_shown);
  return text.substr(0, begin) +
         text.substr(has_login ? at + 1 : begin, end - (has_login ? at + 1 : begin));
}

Failure wrong(const std::string& url, CURLUcode why) {
  const char* const advice = why == CURLUE_BAD_LOGIN
                                 ? "in a user or a password / ? # @ are %2F %3F %23 %40"
                                 : "write for example https://host/trips.csv.gz";
  return {FailureKind::usage, printable_line(roughly(url)) + ": is no URL that can be read (" +
                                  curl().url_strerror(why) + "); " + advice};
}

}  // namespace

bool is_url(std::string_view text) {
  const std::string begins = in_small_letters(text.substr(0, 8));
  if (begins.starts_with("http://") || begins.starts_with("https://")) return true;
  return (begins.starts_with("http:") || begins.starts_with("https:")) &&
         text.find('@') != std::string_view::npos;
}

Address address_of(const std::string& url) {
  if (url.compare(std::min(url.find(':'), url.size()), 3, "://") != 0 || has_split_login(url))
    throw wrong(url, CURLUE_BAD_LOGIN);
  const UrlPtr parsed(curl().url());
  if (!parsed) throw std::bad_alloc();
  const CURLUcode result = curl().url_set(parsed.get(), CURLUPART_URL, url.c_str(), parsing);
  if (result != CURLUE_OK) throw wrong(url, result);
  return address_in(parsed.get());
}

Address address_behind(const Address& from, const std::string& location) {
  const UrlPtr parsed(curl().url());
  if (!parsed) throw std::bad_alloc();
  CURLUcode result = curl().url_set(parsed.get(), CURLUPART_URL, from.url.c_str(), parsing);
  if (result == CURLUE_OK)
    result = curl().url_set(parsed.get(), CURLUPART_URL, location.c_str(),
                            parsing | CURLU_NON_SUPPORT_SCHEME);
  const std::string scheme = in_small_letters(part(parsed.get(), CURLUPART_SCHEME));
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
  return address.url.substr(0, mark) + shown_query(std::string_view(address.url).substr(mark + 1));
}

bool has_secret_parameter(std::string_view query) {
  return std::ranges::any_of(parameters_of(query), &Parameter::is_secret);
}

std::vector<std::string> secret_values(std::string_view query) {
  std::vector<std::string> values;
  for (const Parameter& each : parameters_of(query)) {
    if (each.is_secret && !each.is_open) values.emplace_back(value_of(each.text));
  }
  return values;
}

std::string shown_query(std::string_view query) {
  std::string kept;
  for (const Parameter& each : parameters_of(query)) {
    const std::string_view text = each.text;
    if (each.is_secret || text == "&" || text == ";") continue;
    const bool is_separated = text.starts_with('&') || text.starts_with(';');
    kept += kept.empty() ? '?' : is_separated ? text.front() : '&';
    kept += text.substr(is_separated ? 1 : 0);
  }
  return kept;
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
  char* const text = curl().easy_unescape(nullptr, path.c_str() + slash + 1, 0, &size);
  if (text == nullptr) return {};
  std::string name(text, static_cast<std::size_t>(size));
  curl().free(text);
  std::erase_if(name, [](char c) { return c == '/' || c == '\0'; });
  return name == "." || name == ".." ? std::string() : name;
}

}  // namespace sluice::http
