#include "support/proxy.hpp"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "support/database.hpp"

namespace sluice::test {
namespace {

// None of its sockets goes to a process that a test starts: there it would stay open when it is
// closed here, and the server would not learn that its client has gone.

int connect_to(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return -1;
  int fd = -1;
  for (const addrinfo* address = found; address != nullptr && fd < 0; address = address->ai_next) {
    fd = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, address->ai_addr, address->ai_addrlen) == 0) break;
    ::close(fd);
    fd = -1;
  }
  ::freeaddrinfo(found);
  return fd;
}

bool write_all(int fd, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

void close_with_reset(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace

Proxy::Proxy(const std::string& server_url, Judge judge) : judge_(std::move(judge)) {
  const Session session(server_url);
  host_ = PQhost(session.raw());
  port_ = PQport(session.raw());
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("the proxy cannot listen");
  }
  own_port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_connections(); });
}

Proxy::~Proxy() {
  stopping_ = true;
  acceptor_.join();
  const std::lock_guard lock(mutex_);
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

std::string Proxy::url(const std::string& database_url) const {
  const Session session(database_url);
  const std::string password = PQpass(session.raw());
  return "postgresql://" + std::string(PQuser(session.raw())) +
         (password.empty() ? "" : ":" + password) + "@127.0.0.1:" + std::to_string(own_port_) +
         "/" + PQdb(session.raw()) + "?sslmode=disable&gssencmode=disable";
}

void Proxy::accept_connections() {
  for (std::size_t connection = 0; !stopping_;) {
    pollfd wait{listener_, POLLIN, 0};
    if (::poll(&wait, 1, 20) <= 0) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const std::lock_guard lock(mutex_);
    threads_.emplace_back([this, connection, client] { serve(connection, client); });
    ++connection;
  }
}

void Proxy::serve(std::size_t connection, int client) {
  const int server = connect_to(host_, port_);
  bool swallowing = false;
  std::string buffer(64 * 1024, '\0');
  while (!stopping_ && server >= 0) {
    pollfd waits[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    if (::poll(waits, 2, 20) <= 0) continue;
    bool open = true;
    for (int side = 0; side < 2 && open; ++side) {
      if (waits[side].revents == 0) continue;
      const ssize_t n = ::recv(waits[side].fd, buffer.data(), buffer.size(), 0);
      if (n <= 0) {
        open = false;
        break;
      }
      const std::string bytes = buffer.substr(0, static_cast<std::size_t>(n));
      const Direction direction = side == 0 ? Direction::to_server : Direction::to_client;
      if (swallowing && direction == Direction::to_client) {
        open = false;  // the server has answered, and the answer is lost
        break;
      }
      const Action action = judge_(connection, direction, bytes);
      if (action == Action::cut || action == Action::reset) {
        if (action == Action::reset) close_with_reset(client);
        if (action == Action::reset) close_with_reset(server);
        open = false;
        break;
      }
      if (action == Action::hold) {
        while (!stopping_ && !released_) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        open = false;
        break;
      }
      swallowing = swallowing || action == Action::swallow;
      if (action == Action::swallow && direction == Direction::to_client) {
        open = false;
        break;
      }
      open = write_all(side == 0 ? server : client, bytes);
    }
    if (!open) break;
  }
  ::close(client);
  if (server >= 0) ::close(server);
}

}  // namespace sluice::test
