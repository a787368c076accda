#include "support/s3_store.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <set>
#include <sstream>

#include "s3/providers.hpp"
#include "s3/sign.hpp"
#include "s3/url_text.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

/// Between two marks; empty where the first one is not there.
std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const std::size_t begin = text.find(from);
  if (begin == std::string::npos) return {};
  const std::size_t at = begin + from.size();
  return text.substr(at, text.find(to, at) - at);
}

std::string parameter(const WebServer::Asked& asked, const std::string& name) {
  std::string query = "&" + asked.path.substr(asked.path.find('?') + 1) + "&";
  return s3::url_decoded(between(query, "&" + name + "=", "&"));
}

/// "20260102T030405Z"
std::chrono::sys_seconds moment_of(const std::string& t) {
  if (t.size() != 16) return {};
  return s3::instant_of(t.substr(0, 4) + "-" + t.substr(4, 2) + "-" + t.substr(6, 5) + ":" +
                        t.substr(11, 2) + ":" + t.substr(13))
      .value_or(std::chrono::sys_seconds{});
}

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(std::chrono::system_clock::time_point at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

/// What it would be signed as.
std::string right_signature(const WebServer::Asked& asked, const s3::Keys& keys,
                            const std::string& region) {
  http::Request request{.method = asked.method,
                        .url = "http://" + asked.header("host") + asked.path};
  std::istringstream names(between(asked.header("authorization"), "SignedHeaders=", ","));
  for (std::string name; std::getline(names, name, ';');)
    if (name != "host") request.headers.emplace_back(name, asked.header(name));
  const http::Request right =
      s3::sign(request, keys, {.region = region}, moment_of(asked.header("x-amz-date")));
  return http::Response{.headers = right.headers}.header("Authorization").value_or("");
}

}  // namespace

WebServer::Answer s3_error(int status, const std::string& code, const std::string& more) {
  return {.status = status,
          .headers = {{"Content-Type", "application/xml"}},
          .body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code +
                  "</Code><Message>it is so</Message>" + more + "</Error>"};
}

WebServer::Answer S3Store::answer(const WebServer::Asked& asked) const {
  const std::string authorization = asked.header("authorization");
  if (authorization.empty() && !is_public) return s3_error(403, "AccessDenied");
  if (!authorization.empty()) {
    const std::string scope = between(authorization, "Credential=", ",");
    if (!scope.starts_with(std::string(key_id) + "/")) return s3_error(403, "InvalidAccessKeyId");
    const auto skew =
        moment_of(asked.header("x-amz-date")) - (std::chrono::system_clock::now() + clock_ahead);
    if (skew > 15min || skew < -15min) {
      WebServer::Answer answer = s3_error(403, "RequestTimeTooSkewed");
      answer.headers.emplace_back("Date",
                                  http_date(std::chrono::system_clock::now() + clock_ahead));
      return answer;
    }
    if (scope.find("/" + region + "/s3/") == std::string::npos)
      return s3_error(400, "AuthorizationHeaderMalformed", "<Region>" + region + "</Region>");
    if (asked.header("x-amz-security-token") != token) return s3_error(400, "ExpiredToken");
    const s3::Keys keys{.id = key_id, .secret = key_secret, .token = token};
    // What is said with it is what people send to others to look at.
    if (authorization != right_signature(asked, keys, region))
      return s3_error(403, "SignatureDoesNotMatch",
                      "<AWSAccessKeyId>" + std::string(key_id) + "</AWSAccessKeyId>");
  }
  const std::string root = std::string("/") + bucket;
  const std::string path = asked.path.substr(0, asked.path.find('?'));
  if (path == root) return list(asked);
  if (!path.starts_with(root + "/")) return s3_error(404, "NoSuchBucket");
  const auto found = objects.find(s3::url_decoded(path.substr(root.size() + 1)));
  if (found == objects.end()) return s3_error(404, "NoSuchKey");
  return found->second.answer(asked);
}

WebServer::Answer S3Store::list(const WebServer::Asked& asked) const {
  const std::string prefix = parameter(asked, "prefix");
  std::string body = "<?xml version=\"1.0\"?><ListBucketResult>";
  body += "<EncodingType>url</EncodingType>";
  std::size_t count = 0;
  std::string last;
  bool goes_on = false;
  for (auto at = objects.upper_bound(parameter(asked, "continuation-token")); at != objects.end();
       ++at) {
    if (!at->first.starts_with(prefix)) continue;
    goes_on = count++ == page_size;
    if (goes_on) break;
    last = at->first;
    body += "<Contents><Key>" + s3::url_encoded_path(last) + "</Key><ETag>&quot;" +
            at->second.etag.substr(1, at->second.etag.size() - 2) + "&quot;</ETag><Size>" +
            std::to_string(at->second.body.size()) + "</Size></Contents>";
  }
  body += std::string("<IsTruncated>") + (goes_on ? "true" : "false") + "</IsTruncated>";
  if (goes_on)
    body += "<NextContinuationToken>" + s3::url_encoded_path(last) + "</NextContinuationToken>";
  return {.body = body + "</ListBucketResult>"};
}

}  // namespace sluice::test
