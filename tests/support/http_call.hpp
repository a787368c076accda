#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::test {

/// A client of HTTP/1.1 on a plain socket that sends what it is told, rightly or not.
class HttpCall {
 public:
  struct Answer {
    int status = 0;                              ///< 0: none came
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;                            ///< of one in chunks, put together

    std::string header(const std::string& name) const;
  };

  /// Connects to "http://127.0.0.1:1234". Throws std::runtime_error.
  explicit HttpCall(const std::string& url);
  ~HttpCall();
  HttpCall(const HttpCall&) = delete;
  HttpCall& operator=(const HttpCall&) = delete;

  /// False where the other side takes no more.
  bool send(const std::string& bytes);
  /// The next answer, to its end; interim ones (100) too. `has_body` is false behind HEAD.
  Answer answer(bool has_body = true);
  /// Reads until that has come; what was read before it and with it. Empty: the end came first.
  std::string read_until(const std::string& text);
  /// Whether the other side has ended the connection, which is waited for.
  bool is_ended();
  int fd() const { return fd_; }
  /// Resets the connection.
  void reset();

 private:
  bool read_some();

  int fd_ = -1;
  std::string read_;
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// One request on a connection of its own.
HttpCall::Answer http_call(const std::string& url, const std::string& method,
                           const std::string& target, const std::string& body = "",
                           const HttpHeaders& headers = {});

}  // namespace sluice::test
