#include "serve/message.hpp"

#include <algorithm>
#include <array>

namespace sluice::serve {
namespace {

struct Reason {
  int status;
  std::string_view text;
};

constexpr std::array reasons{Reason{104, "Upload Resumption Supported"},
                             Reason{200, "OK"},
                             Reason{201, "Created"},
                             Reason{202, "Accepted"},
                             Reason{204, "No Content"},
                             Reason{304, "Not Modified"},
                             Reason{400, "Bad Request"},
                             Reason{401, "Unauthorized"},
                             Reason{403, "Forbidden"},
                             Reason{404, "Not Found"},
                             Reason{405, "Method Not Allowed"},
                             Reason{408, "Request Timeout"},
                             Reason{409, "Conflict"},
                             Reason{410, "Gone"},
                             Reason{411, "Length Required"},
                             Reason{413, "Content Too Large"},
                             Reason{415, "Unsupported Media Type"},
                             Reason{417, "Expectation Failed"},
                             Reason{421, "Misdirected Request"},
                             Reason{422, "Unprocessable Content"},
                             Reason{429, "Too Many Requests"},
                             Reason{431, "Request Header Fields Too Large"},
                             Reason{500, "Internal Server Error"},
                             Reason{501, "Not Implemented"},
                             Reason{503, "Service Unavailable"},
                             Reason{505, "HTTP Version Not Supported"}};

/// What is no UTF-8 in it is written as U+FFFD.
std::string text_of(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &Headers::value_type::first);
  return found == headers.end() ? std::string_view() : found->second;
}

std::string_view reason_of(int status) {
  const auto found = std::ranges::find(reasons, status, &Reason::status);
  return found == reasons.end() ? "Unknown" : found->text;
}

void refuse_method(const std::string& allowed) {
  throw Refused{405, "this is asked for by " + allowed, {{"Allow", allowed}}};
}

Answer answer_of(int status, const nlohmann::ordered_json& json) {
  return {.status = status, .body = text_of(json)};
}

Answer answer_of(const Refused& refused) {
  const nlohmann::ordered_json json{
      {"title", reason_of(refused.status)}, {"status", refused.status}, {"detail", refused.detail}};
  return {.status = refused.status,
          .headers = refused.headers,
          .body = text_of(json),
          .type = "application/problem+json"};
}

}  // namespace sluice::serve
