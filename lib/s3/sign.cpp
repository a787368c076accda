#include "s3/sign.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <vector>

#include "base/ascii.hpp"
#include "s3/digest.hpp"
#include "s3/url_text.hpp"

namespace sluice::s3 {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view credential_mark = "Credential=";

/// What proxies, and Google's front ends, change on the way.
constexpr std::array unsigned_headers{
    "accept-encoding", "authorization",       "connection", "expect",
    "keep-alive",      "proxy-authorization", "te",         "transfer-encoding",
    "user-agent",      "x-amzn-trace-id"};

constexpr std::array made_here{"authorization", "x-amz-content-sha256", "x-amz-date",
                               "x-amz-security-token"};

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// Without blanks around it, and with one where there are several.
std::string with_single_blanks(std::string_view value) {
  std::string made;
  for (const std::string_view word : split(value, ' ')) {
    if (word.empty()) continue;
    if (!made.empty()) made += ' ';
    made += word;
  }
  return made;
}

/// As HTTP clients send it: without the port that the scheme has anyway.
std::string host_of(const UrlParts& url) {
  std::string_view host = url.authority;
  if (const std::size_t at = host.rfind('@'); at != std::string_view::npos)
    host.remove_prefix(at + 1);
  const std::string_view usual = in_small_letters(url.scheme) == "https" ? ":443" : ":80";
  if (host.ends_with(usual)) host.remove_suffix(usual.size());
  return std::string(host);
}

/// RFC 3986, 5.2.4, and no empty names.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> names;
  for (const std::string_view name : split(path, '/')) {
    if (name == ".." && !names.empty()) names.pop_back();
    if (!name.empty() && name != "." && name != "..") names.push_back(name);
  }
  std::string made = "/";
  for (const std::string_view name : names) fmt::format_to(std::back_inserter(made), "{}/", name);
  if (!names.empty() && !path.ends_with('/')) made.pop_back();
  return made;
}

std::string canonical_path(std::string_view path, const std::string& service) {
  if (path.empty()) return "/";
  return service == "s3" ? url_encoded_path(url_decoded(path))
                         : url_encoded_path(without_dots(path));
}

/// Sorted by name and then by value, as they are encoded.
std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  for (const std::string_view each : split(query, '&')) {
    if (each.empty()) continue;
    const std::size_t equals = std::min(each.find('='), each.size());
    const std::string_view value = each.substr(std::min(equals + 1, each.size()));
    parameters.emplace_back(url_encoded(url_decoded(each.substr(0, equals))),
                            url_encoded(url_decoded(value)));
  }
  std::ranges::sort(parameters);
  std::string made;
  for (const auto& [name, value] : parameters)
    fmt::format_to(std::back_inserter(made), "{}{}={}", made.empty() ? "" : "&", name, value);
  return made;
}

struct CanonicalHeaders {
  std::string lines;  ///< "host:a.b\n..."
  std::string names;  ///< "host;..."
};

CanonicalHeaders canonical_headers(const http::Request& request) {
  std::map<std::string, std::string> values;
  for (const auto& [written, value] : request.headers) {
    const std::string name = in_small_letters(written);
    if (std::ranges::find(unsigned_headers, name) != unsigned_headers.end()) continue;
    const auto [at, is_first] = values.try_emplace(name, with_single_blanks(value));
    if (!is_first) at->second += "," + with_single_blanks(value);
  }
  values.try_emplace("host", host_of(url_parts(request.url)));
  CanonicalHeaders made;
  for (const auto& [name, value] : values) {
    fmt::format_to(std::back_inserter(made.lines), "{}:{}\n", name, value);
    fmt::format_to(std::back_inserter(made.names), "{}{}", made.names.empty() ? "" : ";", name);
  }
  return made;
}

std::string signing_key(const Keys& keys, const Scope& scope, const std::string& day) {
  const std::string by_day = hmac_sha256("AWS4" + keys.secret, day);
  const std::string by_region = hmac_sha256(by_day, scope.region);
  return hmac_sha256(hmac_sha256(by_region, scope.service), "aws4_request");
}

}  // namespace

http::Request sign(http::Request request, const Keys& keys, const Scope& scope,
                   std::chrono::sys_seconds now) {
  const std::string moment =
      fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(now.time_since_epoch().count()));
  const std::string day = moment.substr(0, 8);
  const std::string content = hexadecimal(sha256(request.body));

  std::erase_if(request.headers, [](const auto& header) {
    return std::ranges::find(made_here, in_small_letters(header.first)) != made_here.end();
  });
  request.headers.emplace_back("x-amz-date", moment);
  if (scope.service == "s3") request.headers.emplace_back("x-amz-content-sha256", content);
  if (!keys.token.empty()) request.headers.emplace_back("x-amz-security-token", keys.token);

  const UrlParts url = url_parts(request.url);
  const CanonicalHeaders headers = canonical_headers(request);
  const std::string canonical =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, canonical_path(url.path, scope.service),
                  canonical_query(url.query), headers.lines, headers.names, content);
  const std::string where = fmt::format("{}/{}/{}/aws4_request", day, scope.region, scope.service);
  const std::string text =
      fmt::format("{}\n{}\n{}\n{}", algorithm, moment, where, hexadecimal(sha256(canonical)));
  const std::string signature = hexadecimal(hmac_sha256(signing_key(keys, scope, day), text));
  request.headers.emplace_back(
      "Authorization", fmt::format("{} {}{}/{}, SignedHeaders={}, Signature={}", algorithm,
                                   credential_mark, keys.id, where, headers.names, signature));
  return request;
}

SignedBy signed_by(const http::Request& request) {
  const http::Response as_answer{.headers = request.headers};
  const std::string authorization = as_answer.header("authorization").value_or("");
  const std::size_t begin = authorization.find(credential_mark);
  if (begin == std::string::npos) return {};
  std::string_view text = std::string_view(authorization).substr(begin + credential_mark.size());
  // ID/DAY/REGION/SERVICE/aws4_request: an id may have slashes of its own.
  const std::vector<std::string_view> names = split(text.substr(0, text.find(',')), '/');
  if (names.size() < 5) return {};
  SignedBy found{.token = as_answer.header("x-amz-security-token").value_or("")};
  const std::string_view day = names[names.size() - 4];
  found.id = text.substr(0, static_cast<std::size_t>(day.data() - text.data()) - 1);
  found.region = names[names.size() - 3];
  return found;
}

}  // namespace sluice::s3
