// Sends what is no request, or nearly one, to a server of uploads that can load nothing and has no
// database. Whatever comes:
//   - the server goes on, leaks nothing, and lets go of who has said all;
//   - what it says is HTTP with a status of its own, and nothing is said to be stored.

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "async/asio.hpp"
#include "base/failure.hpp"
#include "serve/server.hpp"

namespace {

using namespace sluice;
using namespace std::chrono_literals;

constexpr auto time_to_end = 30s;
/// The fuzzer closes what the program prints to.
int own_stderr = STDERR_FILENO;

[[noreturn]] void fail(const std::string& what) {
  ::dprintf(own_stderr, "does not hold: %s\n", what.c_str());
  std::abort();
}

serve::HandlerOptions options() {
  serve::HandlerOptions options;
  options.uploads = {.running_max = 0, .waiting_max = 0};
  options.anybody.flags = {"where", "truncate", "again"};
  options.hosts = {"localhost", "127.0.0.1"};
  options.log = [](const serve::Event&) {};
  return options;
}

pg::ConnectOptions nowhere() {
  pg::ConnectOptions options;
  options.dbname = "host=127.0.0.1 port=1 connect_timeout=2";
  return options;
}

/// One for all inputs: what one of them breaks, a later one meets.
struct World {
  World() {
    const std::string url = server.url();
    port = static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
    asio::co_spawn(io, server.run(), asio::detached);
  }

  /// What it says to that, to the end.
  std::string answers_to(std::string_view bytes) {
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(client, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0)
      fail("it can be reached");
    // It fits into the socket's buffers.
    if (::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) fail("it can be sent");
    ::shutdown(client, SHUT_WR);
    std::string said;
    const auto until = std::chrono::steady_clock::now() + time_to_end;
    for (;;) {
      io.run_for(1ms);
      std::array<char, 4096> some{};
      const ssize_t got = ::recv(client, some.data(), some.size(), MSG_DONTWAIT);
      if (got > 0) said.append(some.data(), static_cast<std::size_t>(got));
      if (got == 0 || (got < 0 && errno == ECONNRESET)) break;
      if (std::chrono::steady_clock::now() > until) fail("it lets go of who has said all");
    }
    ::close(client);
    return said;
  }

  asio::io_context io{1};
  pg::Pool pool{io.get_executor(), nowhere(), 1};
  serve::Handler handler{io.get_executor(), pool, options(), serve::Tokens()};
  serve::Server server{io.get_executor(), handler, {.idle_max = 2s}, [](const serve::Event&) {}};
  std::uint16_t port = 0;
};

void check(const std::string& said) {
  if (said.empty()) return;
  if (!said.starts_with("HTTP/1.1 ")) fail("an answer is HTTP: " + said.substr(0, 200));
  for (std::size_t at = 0; (at = said.find("HTTP/1.1 ", at)) != said.npos; at += 9) {
    // Another answer stands behind a head or a body of JSON; a text may speak of HTTP/1.1 too.
    if (at > 0 && said[at - 1] != '\n' && said[at - 1] != '}') continue;
    const std::string status = said.substr(at + 9, 3);
    const std::array known{"100", "104", "200", "204", "304", "400", "403", "404",
                           "405", "408", "409", "410", "411", "413", "415", "417",
                           "421", "422", "431", "500", "501", "503"};
    if (std::ranges::find(known, status) == known.end()) fail("a status of its own: " + status);
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  own_stderr = ::dup(STDERR_FILENO);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // It serves to the process's end: nothing lets go of it in an order that it would like.
  static World& world = *new World;
  const std::string_view bytes(reinterpret_cast<const char*>(data),
                               std::min<std::size_t>(size, 65'536));
  check(world.answers_to(bytes));
  return 0;
}
