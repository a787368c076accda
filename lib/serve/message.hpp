#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::serve {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// What was asked for, without its body.
struct Request {
  std::string method;
  std::string target;  ///< as it came: "/v1/loads?state=running"
  Headers headers;     ///< names in lower case
  std::string peer;    ///< the address that it came from
  bool is_secure = false;

  /// Empty where there is none. One that came several times is refused in front of this.
  std::string_view header(std::string_view name) const;
};

/// What is answered.
struct Answer {
  int status = 200;
  Headers headers = {};
  std::string body = {};
  std::string type = "application/json";
};

Answer answer_of(int status, const nlohmann::ordered_json& json);

/// An answer that is an error: it ends what was asked for. The text is for people, and has no
/// secret.
/// https://www.rfc-editor.org/rfc/rfc9457
struct Refused {
  int status = 400;
  std::string detail;
  Headers headers = {};
};
Answer answer_of(const Refused& refused);

/// Throws Refused{405}; "GET, HEAD".
[[noreturn]] void refuse_method(const std::string& allowed);

/// "Not Found"; of statuses that are answered here.
std::string_view reason_of(int status);

}  // namespace sluice::serve
