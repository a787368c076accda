#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::http {

/// Names are compared without regard to case; several of one name are kept in their order.
using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";
  std::string url;  ///< absolute: scheme, host, path, query, as they are sent
  Headers headers;
  std::string body;
};

struct Response {
  int status = 0;   ///< as HTTP has it: 200, 206, 404
  Headers headers;  ///< of the last answer, behind redirects
  std::string body;
  /// nullopt where there is none.
  std::optional<std::string> header(const std::string& name) const;
};

/// Sends a small request and waits for all of its answer. Throws Failure where there is none.
using Send = std::function<Response(const Request&)>;

}  // namespace sluice::http
