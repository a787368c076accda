#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::test {

/// A web server on loopback, with a thread for each connection, that answers as it is told: rightly
/// or not.
class WebServer {
 public:
  struct Asked {
    std::string method;
    std::string path;                                              ///< with what is behind its ?
    std::map<std::string, std::string> headers;                    ///< names in lower case
    std::optional<std::pair<std::uint64_t, std::uint64_t>> range;  ///< first and last byte
    std::string body;

    std::string header(const std::string& name) const;
  };

  struct Answer {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string body = {};
    std::string reason = "Whatever";
    /// How it is told where the body ends; of chunks without an end the last one never comes.
    enum class End { by_length, in_chunks, in_chunks_without_end, by_closing } end = End::by_length;
    /// So many bytes of the body are sent, and then the connection ends; with a reset, or not.
    std::optional<std::size_t> cut_at = {};
    bool is_reset = false;
    std::size_t slow_bytes = 0;          ///< at the body's beginning: one a second
    std::chrono::milliseconds delay{0};  ///< before it begins
    bool stands_still = false;           ///< behind all that is sent the connection stays
    bool has_endless_headers = false;    ///< behind a body in chunks; one in front of it else
    bool is_silence = false;             ///< the connection ends without an answer
    /// The connection ends so long behind the body, and nobody has said that it would.
    std::optional<std::chrono::milliseconds> closes_after = {};
    /// Behind all that is sent, before the connection ends or stays.
    std::function<void()> then = {};
  };

  using Handler = std::function<Answer(const Asked&)>;

  explicit WebServer(Handler handler);
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  /// "http://127.0.0.1:1234"
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::string host_and_port() const { return "127.0.0.1:" + std::to_string(port_); }
  std::vector<Asked> asked() const;
  void answer_by(Handler handler);
  /// Ends all connections, whatever is on its way there. How many there were so far.
  std::size_t end_connections();

 private:
  void accept_all();
  void serve(int fd);
  bool send_answer(int fd, const Answer& answer, bool has_body);
  bool send_headers(int fd, const std::string& before) const;
  void wait_for(std::chrono::milliseconds time) const;

  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  Handler handler_;
  std::vector<Asked> asked_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_ = false;
  std::thread accepting_;
};

/// An object as a good server has it: ranges, If-Match, a strong ETag.
struct WebObject {
  std::string body;
  std::string etag = "\"v1\"";
  bool has_ranges = true;
  bool knows_if_match = true;

  WebServer::Answer answer(const WebServer::Asked& asked) const;
};

}  // namespace sluice::test
