#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "support/web_server.hpp"

namespace sluice::test {

/// A bucket as an S3 server has it: each request is refused that is not signed as it should be, and
/// a listing comes in pages.
class S3Store {
 public:
  static constexpr const char* bucket = "bucket";
  static constexpr const char* key_id = "AKIDhIddEn";
  static constexpr const char* key_secret = "hIddEn/secret+1";

  std::map<std::string, WebObject> objects;  ///< by key
  std::string region = "us-east-1";
  std::size_t page_size = 1000;
  std::chrono::seconds clock_ahead{0};
  std::string token;  ///< the only one that holds; empty: keys without one
  bool is_public = false;

  /// As the server of http://HOST/bucket/... answers.
  WebServer::Answer answer(const WebServer::Asked& asked) const;
  WebServer::Handler handler() const {
    return [this](const WebServer::Asked& asked) { return answer(asked); };
  }

 private:
  WebServer::Answer list(const WebServer::Asked& asked) const;
};

/// An answer as S3 says what is wrong; `more` are other elements.
WebServer::Answer s3_error(int status, const std::string& code, const std::string& more = "");

}  // namespace sluice::test
