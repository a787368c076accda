#include "support/http_call.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

namespace sluice::test {

std::string HttpCall::Answer::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

HttpCall::HttpCall(const std::string& url) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  // A test that waits in vain ends.
  const timeval patience{.tv_sec = 120, .tv_usec = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = ::htons(static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
  where.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0)
    throw std::runtime_error("cannot connect to " + url);
}

HttpCall::~HttpCall() { ::close(fd_); }

bool HttpCall::send(const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t sent = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    done += static_cast<std::size_t>(sent);
  }
  return true;
}

bool HttpCall::read_some() {
  std::array<char, 65536> some{};
  const ssize_t got = ::recv(fd_, some.data(), some.size(), 0);
  if (got > 0) read_.append(some.data(), static_cast<std::size_t>(got));
  return got > 0;
}

std::string HttpCall::read_until(const std::string& text) {
  for (;;) {
    if (const std::size_t at = read_.find(text); at != std::string::npos) {
      std::string all = read_.substr(0, at + text.size());
      read_.erase(0, all.size());
      return all;
    }
    if (!read_some()) return "";
  }
}

bool HttpCall::is_ended() {
  while (read_some()) continue;
  return true;
}

void HttpCall::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(fd_);
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

HttpCall::Answer HttpCall::answer(bool has_body) {
  Answer answer;
  const std::string head = read_until("\r\n\r\n");
  if (head.empty()) return answer;
  answer.status = std::stoi(head.substr(head.find(' ') + 1));
  std::size_t at = head.find("\r\n") + 2;
  while (at < head.size() - 2) {
    const std::size_t end = head.find("\r\n", at);
    const std::size_t colon = head.find(':', at);
    std::string name = head.substr(at, colon - at);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    answer.headers[name] = head.substr(colon + 2, end - colon - 2);
    at = end + 2;
  }
  if (!has_body || answer.status < 200 || answer.status == 204) return answer;
  if (answer.header("transfer-encoding") == "chunked") {
    for (;;) {
      const std::string line = read_until("\r\n");
      const std::size_t size = line.empty() ? 0 : std::stoul(line, nullptr, 16);
      while (read_.size() < size + 2 && read_some()) continue;
      answer.body += read_.substr(0, size);
      read_.erase(0, size + 2);
      if (size == 0) return answer;
    }
  }
  const std::string length = answer.header("content-length");
  const std::size_t size = length.empty() ? std::string::npos : std::stoul(length);
  while (read_.size() < size && read_some()) continue;
  answer.body = read_.substr(0, size);
  read_.erase(0, answer.body.size());
  return answer;
}

HttpCall::Answer http_call(const std::string& url, const std::string& method,
                           const std::string& target, const std::string& body,
                           const HttpHeaders& headers) {
  HttpCall call(url);
  std::string request =
      method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  if (!body.empty() || method == "POST")
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  for (const auto& [name, value] : headers) request += name + ": " + value + "\r\n";
  call.send(request + "\r\n" + body);
  return call.answer(method != "HEAD");
}

}  // namespace sluice::test
