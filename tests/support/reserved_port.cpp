#include "support/reserved_port.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

#include "support/patience.hpp"

namespace sluice::test {
namespace {

sockaddr_in on_loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool takes_connections(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = on_loopback(port);
  const bool is_taken =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return is_taken;
}

}  // namespace

ReservedPort::ReservedPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  // Two may be bound to it where both say so, and only one of them listens.
  const int one = 1;
  ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address = on_loopback(0);
  auto* const where = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (::bind(fd_, where, size) != 0 || ::getsockname(fd_, where, &size) != 0)
    throw std::runtime_error("no port can be reserved");
  number_ = ntohs(address.sin_port);
}

ReservedPort::~ReservedPort() { ::close(fd_); }

void ReservedPort::wait_for(Process& server) const {
  const bool is_there =
      is_seen([&] { return takes_connections(number_) || !server.running(); }) && server.running();
  if (!is_there) throw std::runtime_error("a server does not start: " + server.err_so_far());
}

}  // namespace sluice::test
