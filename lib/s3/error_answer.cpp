#include "s3/error_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "base/characters.hpp"
#include "base/printable.hpp"
#include "http/secrets.hpp"
#include "s3/xml.hpp"

namespace sluice::s3 {
namespace {

constexpr std::size_t code_bytes_max = 64;
constexpr std::size_t message_bytes_max = 400;
constexpr std::size_t region_bytes_max = 64;
/// A signature has 64 hexadecimal digits.
constexpr std::size_t digits_shown_max = 39;

struct Said {
  std::string code;
  std::string message;
  std::string region;
};

/// <Error> is the root of what S3 says, and stands in <ErrorResponse> in what STS says.
Said read_body(const std::string& body) {
  Said said;
  const auto on_element = [&said](const XmlElement& element) {
    if (element.path.size() < 2 || element.path[element.path.size() - 2] != "Error") return;
    if (element.path.back() == "Code") said.code = element.text;
    if (element.path.back() == "Message") said.message = element.text;
    if (element.path.back() == "Region") said.region = element.text;
  };
  try {
    read_xml(body, "", on_element);
  } catch (const Failure&) {
    // A proxy's page, or nothing. What was read before the body turned bad holds.
  }
  return said;
}

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::string without_signatures(const std::string& text) {
  std::string made;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && is_hex_digit(text[end])) ++end;
    if (end - at > digits_shown_max) {
      made += "***";
    } else {
      if (end == at) ++end;
      made += text.substr(at, end - at);
    }
    at = end;
  }
  return made;
}

std::string without(const std::string& text, const std::vector<std::string>& all) {
  http::Secrets secrets;
  for (const std::string& each : all) secrets.add(each);
  return without_signatures(secrets.without(text));
}

std::string in_one_line(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  text = text.substr(0, whole_characters(text, message_bytes_max));
  while (text.ends_with(' ') || text.ends_with('.')) text.pop_back();
  return printable_line(text);
}

/// A word, which a code is.
std::string word(const std::string& text) {
  const bool is_word = text.size() <= code_bytes_max && std::ranges::all_of(text, [](char c) {
                         return is_ascii_letter(c) || is_ascii_digit(c) || c == '.' || c == '_';
                       });
  return is_word ? text : "";
}

bool is_one_of(const std::string& code, std::initializer_list<const char*> codes) {
  return std::ranges::find(codes, code) != codes.end();
}

bool is_passing(int status, const std::string& code) {
  if (status == 408 || status == 429 || status >= 500) return status != 501 && status != 505;
  return is_one_of(code, {"RequestTimeout", "SlowDown", "Throttling", "ThrottlingException",
                          "RequestLimitExceeded", "IDPCommunicationError"});
}

std::string reason_of(int status) {
  switch (status) {
    case 301:
    case 302:
    case 307:
    case 308: return "is at another address";
    case 400: return "bad request";
    case 401:
    case 403: return "access denied";
    case 404: return "not found";
    case 412: return "is another version";
    default: return "the server answered";
  }
}

std::string advice_for(const ErrorAnswer& error) {
  if (error.code == "RequestTimeTooSkewed")
    return "A signature holds for a few minutes: set this machine's clock.";
  if (error.code == "InvalidObjectState")
    return "It is in an archive (Glacier): restore it, and load it then.";
  if (is_one_of(error.code, {"InvalidAccessKeyId", "SignatureDoesNotMatch"}))
    return "The server does not take these keys (-v says where they come from; --s3-profile names "
           "others).";
  if (error.code == "NoSuchBucket")
    return "Buckets of other servers than Amazon's are found by --s3-endpoint.";
  if (error.are_keys_old) return "Get new keys: these have expired.";
  if (error.status == 301 || error.status == 307) return "--s3-region names the bucket's region.";
  if (error.status == 403)
    return "Who has these keys may not read it, or it is not there: S3 tells the two apart only to "
           "who may list the bucket. -v says where the keys come from.";
  return "";
}

}  // namespace

bool is_region(const std::string& text) {
  return !text.empty() && text.size() <= region_bytes_max && text.front() != '-' &&
         text.back() != '-' && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

ErrorAnswer error_answer(const http::Response& response, const std::vector<std::string>& secrets) {
  Said said = read_body(response.body);
  ErrorAnswer error{.status = response.status, .code = word(without(said.code, secrets))};
  error.message = in_one_line(without(said.message, secrets));
  error.region = response.header("x-amz-bucket-region").value_or(said.region);
  if (!is_region(error.region)) error.region.clear();
  error.is_passing = is_passing(error.status, error.code);
  error.are_keys_old =
      is_one_of(error.code, {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired",
                             "InvalidToken", "RequestExpired"});
  return error;
}

std::string line_of(const ErrorAnswer& error) {
  if (error.code.empty() && error.message.empty())
    return fmt::format("{} ({})", reason_of(error.status), error.status);
  const char* const between = error.code.empty() || error.message.empty() ? "" : ": ";
  return fmt::format("{}{}{} ({})", error.code, between, error.message, error.status);
}

Failure failure_of(const ErrorAnswer& error, const std::string& what) {
  FailureKind kind = FailureKind::failed;
  // As of a file that is not there, or may not be read.
  if (error.status == 401 || error.status == 403 || error.status == 404) kind = FailureKind::usage;
  if (error.status == 412) kind = FailureKind::changed;
  return {kind, what + ": " + line_of(error), advice_for(error)};
}

}  // namespace sluice::s3
