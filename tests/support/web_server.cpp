#include "support/web_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <string_view>

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return text;
}

/// The head of a request; empty where the client has gone.
std::string read_head(int fd, std::string& left) {
  for (;;) {
    const std::size_t end = left.find("\r\n\r\n");
    if (end != std::string::npos) {
      std::string head = left.substr(0, end + 2);
      left.erase(0, end + 4);
      return head;
    }
    char buffer[4096];
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) return {};
    left.append(buffer, static_cast<std::size_t>(got));
  }
}

/// What of it has come before the client went.
std::string read_body(int fd, std::string& left, std::size_t size) {
  char buffer[4096];
  while (left.size() < size) {
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    left.append(buffer, static_cast<std::size_t>(got));
  }
  std::string body = left.substr(0, size);
  left.erase(0, size);
  return body;
}

WebServer::Asked parse(const std::string& head) {
  WebServer::Asked asked;
  std::size_t at = head.find("\r\n");
  const std::string first = head.substr(0, at);
  const std::size_t space = first.find(' ');
  asked.method = first.substr(0, space);
  asked.path = first.substr(space + 1, first.rfind(' ') - space - 1);
  for (at += 2; at < head.size();) {
    const std::size_t end = head.find("\r\n", at);
    const std::string line = head.substr(at, end - at);
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos) {
      const std::size_t value = line.find_first_not_of(' ', colon + 1);
      asked.headers[lower(line.substr(0, colon))] =
          value == std::string::npos ? "" : line.substr(value);
    }
    at = end + 2;
  }
  unsigned long long from = 0;
  unsigned long long to = 0;
  if (std::sscanf(asked.header("range").c_str(), "bytes=%llu-%llu", &from, &to) == 2)
    asked.range = {from, to};
  return asked;
}

std::string in_chunks(std::string_view body, bool has_end) {
  std::string text;
  while (!body.empty()) {
    const std::string_view piece = body.substr(0, 10'000);
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    text += size;
    text += piece;
    text += "\r\n";
    body.remove_prefix(piece.size());
  }
  return has_end ? text + "0\r\n\r\n" : text;
}

}  // namespace

std::string WebServer::Asked::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

WebServer::WebServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const where = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (::bind(listener_, where, size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, where, &size) != 0)
    throw std::runtime_error("the web server cannot listen");
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { accept_all(); });
}

WebServer::~WebServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

std::vector<WebServer::Asked> WebServer::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

void WebServer::answer_by(Handler handler) {
  const std::lock_guard lock(mutex_);
  handler_ = std::move(handler);
  asked_.clear();
}

std::size_t WebServer::end_connections() {
  const std::lock_guard lock(mutex_);
  for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  return threads_.size();
}

void WebServer::accept_all() {
  while (!stopping_) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const std::lock_guard lock(mutex_);
    open_.push_back(fd);
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

void WebServer::serve(int fd) {
  std::string left;
  while (!stopping_) {
    const std::string head = read_head(fd, left);
    if (head.empty()) break;
    Asked asked = parse(head);
    const std::string length = asked.header("content-length");
    if (!length.empty()) asked.body = read_body(fd, left, std::stoul(length));
    Handler handler;
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(asked);
      handler = handler_;
    }
    if (!send_answer(fd, handler(asked), asked.method != "HEAD")) break;
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_, fd);
  ::close(fd);
}

void WebServer::wait_for(std::chrono::milliseconds time) const {
  const auto until = std::chrono::steady_clock::now() + time;
  while (!stopping_ && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(5ms);
}

/// Until the client has gone, or has taken 64 MiB of them. False.
bool WebServer::send_headers(int fd, const std::string& before) const {
  constexpr std::size_t times = 64;
  std::string megabyte;
  for (int i = 0; i < 1024; ++i) megabyte += "X-" + std::string(1018, 'a') + ":1\r\n";
  bool goes_on = send_all(fd, before);
  for (std::size_t i = 0; i < times && goes_on && !stopping_; ++i) goes_on = send_all(fd, megabyte);
  return false;
}

/// False where the connection ends.
bool WebServer::send_answer(int fd, const Answer& answer, bool has_body) {
  wait_for(answer.delay);
  if (answer.is_silence) return false;
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " " + answer.reason + "\r\n";
  for (const auto& [name, value] : answer.headers) head += name + ": " + value + "\r\n";
  std::string body = has_body ? answer.body : "";
  if (answer.end == Answer::End::in_chunks || answer.end == Answer::End::in_chunks_without_end) {
    head += "Transfer-Encoding: chunked\r\n";
    body = in_chunks(body, answer.end == Answer::End::in_chunks);
  } else if (answer.end == Answer::End::by_length) {
    head += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  } else {
    head += "Connection: close\r\n";
  }
  const bool is_behind = answer.end == Answer::End::in_chunks_without_end;
  if (answer.has_endless_headers && !is_behind) return send_headers(fd, head);
  if (!send_all(fd, head + "\r\n")) return false;
  const std::string sent = body.substr(0, answer.cut_at.value_or(body.size()));
  const std::size_t slow = std::min(answer.slow_bytes, sent.size());
  for (std::size_t i = 0; i < slow; ++i) {
    wait_for(1s);
    if (!send_all(fd, sent.substr(i, 1))) return false;
  }
  if (!send_all(fd, std::string_view(sent).substr(slow))) return false;
  if (answer.has_endless_headers) return send_headers(fd, "0\r\n");
  if (answer.then) answer.then();
  if (answer.stands_still) wait_for(1h);
  if (answer.closes_after) wait_for(*answer.closes_after);
  if (answer.is_reset) {
    std::this_thread::sleep_for(20ms);  // what was sent arrives
    const linger at_once{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  return !answer.cut_at && !answer.is_reset && !answer.closes_after &&
         answer.end != Answer::End::by_closing;
}

WebServer::Answer WebObject::answer(const WebServer::Asked& asked) const {
  WebServer::Answer answer;
  if (!etag.empty()) answer.headers.emplace_back("ETag", etag);
  const std::string wanted = asked.header("if-match");
  if (knows_if_match && !wanted.empty() && wanted != etag) {
    answer.status = 412;
    return answer;
  }
  if (!has_ranges || !asked.range) {
    answer.body = body;
    return answer;
  }
  const auto [first, last] = *asked.range;
  if (first >= body.size()) {
    answer.status = 416;
    answer.headers.emplace_back("Content-Range", "bytes */" + std::to_string(body.size()));
    return answer;
  }
  const std::uint64_t end = std::min<std::uint64_t>(last + 1, body.size());
  answer.status = 206;
  answer.headers.emplace_back("Content-Range", "bytes " + std::to_string(first) + "-" +
                                                   std::to_string(end - 1) + "/" +
                                                   std::to_string(body.size()));
  answer.body = body.substr(first, end - first);
  return answer;
}

}  // namespace sluice::test
